"""Follows the person whom a detector sees now and then: a box that mostly stands still, as in the training videos.

OpenCV's trackers were considered: they follow a patch of pixels from one frame to the next and drift where the person
turns. Here each sighting counts by itself, and those shortly before and after outvote a wrong one.
"""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from typing import Generic, NamedTuple, TypeVar

from video.shots import runs
from video.tracking.looks import Look
from video.tracking.upper_body import UpperBody, between, middle_of

# How many looks before and after decide.
LOOKS_AROUND = 3
LEAST_SIGHTINGS = 2
# Where the model is not sure of anybody, so many looks must tell of the same person.
LEAST_UNSURE = 4
# After so many looks without a sighting, nobody is there any more: about 5 s.
LONGEST_HOLD = 10
# The box stays where it is until the person has moved by so many shoulder widths, or grown or shrunk by this ratio.
LARGEST_MOVE = 0.3
LARGEST_GROWTH = 1.2

T = TypeVar("T")


class Sight(NamedTuple, Generic[T]):
    """A frame on its way.

    frame: whatever stands for it. look: who is seen; None where nobody looked. is_cut: whether the frame begins another
    shot, or the video; there somebody looks.
    """

    frame: T
    look: Look | None
    is_cut: bool


class Followed(NamedTuple):
    """person: where the person is. box: the body around which the box lies, which mostly stands still."""

    person: UpperBody
    box: UpperBody


def tracked(sights: Iterable[Sight[T]]) -> Iterator[tuple[T, Followed | None]]:
    """Yields each frame with the person in it, or None where nobody is.

    The frames of LOOKS_AROUND looks ahead wait in memory.
    """
    for shot in runs(sights, lambda sight: sight.is_cut):
        yield from _tracked_in_shot(shot)


def _tracked_in_shot(sights: Iterable[Sight[T]]) -> Iterator[tuple[T, Followed | None]]:
    person: UpperBody | None = None
    box: UpperBody | None = None
    unseen = 0
    for frames, looks in _looks(sights):
        seen = _sighting(person, *_trusted(looks))
        unseen = 0 if seen is not None else unseen + 1
        person, before = seen or _guess(person, looks) or person, box
        if person is not None and (box is None or _has_moved(box, person)):
            box = person
        if person is None or box is None or unseen > LONGEST_HOLD:
            yield from ((frame, None) for frame in _emptied(frames))
            continue
        glides = before is not None and before.is_near(box)
        count = len(frames)
        for number, frame in enumerate(_emptied(frames), 1):
            yield frame, Followed(person, between(before, box, number / count) if glides and before else box)


def _trusted(looks: Sequence[Look]) -> tuple[list[Sequence[UpperBody]], int]:
    """Whom each look sees, of those looks of which the model is sure, if there are enough; how many must agree."""
    sure: list[Sequence[UpperBody]] = [look.people for look in looks if look.is_sure]
    if len(sure) >= LEAST_SIGHTINGS:
        return sure, LEAST_SIGHTINGS
    return [look.people for look in looks], LEAST_SIGHTINGS if sure else LEAST_UNSURE


def _sighting(person: UpperBody | None, looks: Sequence[Sequence[UpperBody]], least: int) -> UpperBody | None:
    """Where the person is whom most of the looks tell of: the one known, if any look tells of them."""
    if person is not None:
        near = _near(person, looks)
        if near:
            return middle_of(near)
    found = [_near(candidate, looks) for people in looks for candidate in people]
    enough = [near for near in found if len(near) >= min(least, len(looks))]
    if not enough:
        return None
    # The larger one of two who are seen as often.
    return middle_of(max(enough, key=lambda near: (len(near), middle_of(near).width)))


def _guess(person: UpperBody | None, looks: Sequence[Look]) -> UpperBody | None:
    """Where a person is whom no look tells of, according to the model."""
    near = _near(person, [[look.guess] for look in looks if look.guess is not None]) if person is not None else []
    return middle_of(near) if near else None


def _near(person: UpperBody, looks: Sequence[Sequence[UpperBody]]) -> list[UpperBody]:
    """From each look the sighting that may be this person, the nearest in size."""
    near = ([seen for seen in people if seen.is_near(person)] for people in looks)
    return [min(seen, key=lambda body: abs(body.width - person.width)) for seen in near if seen]


def _has_moved(box: UpperBody, person: UpperBody) -> bool:
    farthest = max(abs(person.x - box.x), abs(person.y - box.y))
    growth = max(person.width / box.width, box.width / person.width)
    return farthest > LARGEST_MOVE * box.width or growth > LARGEST_GROWTH


def _looks(sights: Iterable[Sight[T]]) -> Iterator[tuple[deque[T], list[Look]]]:
    """Yields the frames from each look to the next, with what was seen in the looks around."""
    window: deque[tuple[deque[T], Look] | None] = deque(maxlen=2 * LOOKS_AROUND + 1)
    window.extend(itertools.repeat(None, LOOKS_AROUND))
    for item in itertools.chain(_groups(sights), itertools.repeat(None, LOOKS_AROUND)):
        window.append(item)
        now = window[LOOKS_AROUND] if len(window) == window.maxlen else None
        if now is not None:
            yield now[0], [look[1] for look in window if look is not None]


def _groups(sights: Iterable[Sight[T]]) -> Iterator[tuple[deque[T], Look]]:
    for group in runs(sights, lambda sight: sight.look is not None):
        members = list(group)
        yield deque(sight.frame for sight in members), members[0].look or Look([])


def _emptied(frames: deque[T]) -> Iterator[T]:
    """Yields the frames and lets go of each: they are large."""
    while frames:
        yield frames.popleft()
