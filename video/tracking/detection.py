"""When and where to search for the person: near a tracked person, otherwise in the whole picture.

Searching near a person is many times faster than searching a whole picture, so a tracked person is detected often.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from video.tracking.person import Detector, Person
from video.tracking.pose_check import PoseCheck, ScaleCrop

# Time between two detections, and the most frames: of a tracked person, and otherwise.
SECONDS_TRACKED, FRAMES_TRACKED = 0.2, 5
SECONDS_SEARCHING, FRAMES_SEARCHING = 0.5, 15
# After this many misses in a row the whole picture is searched, and after this many the person is given up.
MISSES_BEFORE_SEARCH, MISSES_BEFORE_END = 2, 10
# After this number of detections of a tracked person, the whole picture is searched for others.
DETECTIONS_PER_SEARCH, DETECTIONS_PER_SEARCH_UNCONFIRMED = 10, 3
MAX_CHECKED = 3  # people that the pose model checks per detection


@dataclass(frozen=True)
class SearchState:
    """What is known after the detections of a shot so far."""

    person: Person | None = None  # the person to search for next
    is_confirmed: bool = False  # the pose model has seen them too
    misses: int = 0  # detections in a row that missed them
    earlier: tuple[tuple[Person, ...], ...] = ()  # the people of the last two searches of whole pictures
    count: int = 0  # detections so far

    @property
    def interval(self) -> tuple[float, int]:
        """Seconds until the next detection, and the maximum number of frames."""
        if self.person is not None and self.misses < MISSES_BEFORE_SEARCH:
            return SECONDS_TRACKED, FRAMES_TRACKED
        return SECONDS_SEARCHING, FRAMES_SEARCHING


@dataclass(frozen=True)
class Detection:
    """The result of one detection."""

    people: list[Person]
    is_confirmed: bool = False  # the pose model sees these people too
    estimate: Person | None = None  # where the pose model sees the tracked person, if the detector misses them


def detect(
    state: SearchState, detector: Detector, picture: np.ndarray, scale: ScaleCrop, check: PoseCheck | None
) -> tuple[Detection, SearchState]:
    """Searches a picture, (height, width, 3). scale: scales a crop of it to a frame. Returns the next state too."""
    tracked = state.person
    state = replace(state, count=state.count + 1)

    def checked(person: Person) -> Person | None:
        height, width = picture.shape[:2]
        return check(scale, height, width, person) if check is not None else None

    period = DETECTIONS_PER_SEARCH if state.is_confirmed else DETECTIONS_PER_SEARCH_UNCONFIRMED
    if tracked is None or state.misses >= MISSES_BEFORE_SEARCH or state.count % period == 0:
        people, is_confirmed = _confirmed(detector(picture), checked)
        expected = [person for found in state.earlier for person in found]
        state = replace(state, earlier=(*state.earlier[-1:], tuple(people)))
    else:
        people, is_confirmed = _confirmed(detector(picture, tracked, state.is_confirmed), checked)
        expected = []
    if tracked is not None and (state.is_confirmed or not is_confirmed):
        expected = [tracked]
    found_again = [person for person in people if any(person.is_near(other) for other in expected)]
    if tracked is None and is_confirmed:
        # The detector and the pose model agree, so one detection is enough.
        found_again = found_again or people
    if found_again:
        largest = max(found_again, key=lambda person: person.width)
        stays_confirmed = state.is_confirmed and tracked is not None and largest.is_near(tracked)
        state = replace(state, person=largest, is_confirmed=is_confirmed or stays_confirmed, misses=0)
        return Detection(people, is_confirmed), state
    if tracked is None:
        return Detection(people, is_confirmed), state
    estimate = checked(tracked)
    if state.misses + 1 >= MISSES_BEFORE_END:
        state = replace(state, person=None, is_confirmed=False, misses=0)
    else:
        state = replace(state, person=estimate or tracked, misses=state.misses + 1)
    return Detection(people, is_confirmed, estimate), state


def _confirmed(people: list[Person], checked: Callable[[Person], Person | None]) -> tuple[list[Person], bool]:
    """Returns the people that the pose model confirms, corrected, and True; if it confirms none, all and False."""
    confirmed = []
    for person in sorted(people, key=lambda person: -person.width)[:MAX_CHECKED]:
        better = checked(person)
        if better is not None:
            # The width by the face is combined with the width by the pose model.
            confirmed.append(better._replace(width=(better.width * person.width) ** 0.5))
    return (confirmed, True) if confirmed else (people, False)
