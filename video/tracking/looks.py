"""When a detector looks for people, and where: around a person who is known, else in the whole picture.

Around a person a look takes 27 ms, in a whole picture of 1280×720 without anybody 420 ms (one busy core). So a person
who is known is looked at often.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from video.tracking.steering import Scaled, Steering
from video.tracking.upper_body import Detector, UpperBody

SECONDS_PER_LOOK, MOST_FRAMES_PER_LOOK = 0.2, 5  # while a person is known and seen
SECONDS_PER_SEARCH, MOST_FRAMES_PER_SEARCH = 0.5, 15  # else
# After so many looks that miss a person, the whole picture is searched, and after so many others it is given up.
MISSED_BEFORE_SEARCH, MISSED_BEFORE_END = 2, 10
# While a person is seen, every so many looks search the whole picture: others may be there.
LOOKS_PER_SEARCH, LOOKS_PER_SEARCH_UNSURE = 10, 3
MOST_CORRECTED = 3  # people in a look


class Known(NamedTuple):
    """What the looks at a shot have told so far.

    person: who is looked for next. is_sure: whether the model has seen them too. missed: how many looks have missed
    them. before: what the last two searches saw. looks: how many there were.
    """

    person: UpperBody | None = None
    is_sure: bool = False
    missed: int = 0
    before: tuple[tuple[UpperBody, ...], ...] = ()
    looks: int = 0

    @property
    def pause(self) -> tuple[float, int]:
        """Seconds, and frames at most, until the next look."""
        if self.person is not None and self.missed < MISSED_BEFORE_SEARCH:
            return SECONDS_PER_LOOK, MOST_FRAMES_PER_LOOK
        return SECONDS_PER_SEARCH, MOST_FRAMES_PER_SEARCH


class Look(NamedTuple):
    """people: who is seen. is_sure: whether the model sees them too. guess: where it sees the known person, who is not
    seen.
    """

    people: list[UpperBody]
    is_sure: bool = False
    guess: UpperBody | None = None


def look(
    known: Known, detector: Detector, picture: np.ndarray, scaled: Scaled, steering: Steering | None
) -> tuple[Look, Known]:
    """What is seen in a picture, (height, width, 3), and what is known then. scaled: makes a frame of a Crop of it."""
    person = known.person
    known = known._replace(looks=known.looks + 1)

    def corrected(body: UpperBody) -> UpperBody | None:
        height, width = picture.shape[:2]
        return steering(scaled, height, width, body) if steering is not None else None

    every = LOOKS_PER_SEARCH if known.is_sure else LOOKS_PER_SEARCH_UNSURE
    if person is None or known.missed >= MISSED_BEFORE_SEARCH or known.looks % every == 0:
        people, is_sure = _preferred(detector(picture), corrected)
        expected = [body for seen in known.before for body in seen]
        known = known._replace(before=(*known.before[-1:], tuple(people)))
    else:
        people, is_sure = _preferred(detector(picture, person, known.is_sure), corrected)
        expected = []
    if person is not None and not (is_sure and not known.is_sure):
        expected = [person]
    again = [body for body in people if any(body.is_near(other) for other in expected)]
    if person is None and is_sure:
        # Two have seen them independently.
        again = again or people
    if again:
        seen = max(again, key=lambda body: body.width)
        is_same = person is not None and seen.is_near(person)
        return Look(people, is_sure), known._replace(
            person=seen, is_sure=is_sure or (known.is_sure and is_same), missed=0
        )
    if person is None:
        return Look(people, is_sure), known
    guess = corrected(person)
    if known.missed + 1 >= MISSED_BEFORE_END:
        return Look(people, is_sure, guess), known._replace(person=None, is_sure=False, missed=0)
    return Look(people, is_sure, guess), known._replace(person=guess or person, missed=known.missed + 1)


def _preferred(
    people: list[UpperBody], corrected: Callable[[UpperBody], UpperBody | None]
) -> tuple[list[UpperBody], bool]:
    """Those whom the model sees too, corrected, and True; where there are none, all, and False."""
    sure = []
    for body in sorted(people, key=lambda body: -body.width)[:MOST_CORRECTED]:
        better = corrected(body)
        if better is not None:
            # The face tells of the size too.
            sure.append(better._replace(width=(better.width * body.width) ** 0.5))
    return (sure, True) if sure else (people, False)
