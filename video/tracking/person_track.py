"""Turns detections into the track of one person, with a crop that mostly stands still, as in the training videos.

Each detection counts by itself, and its neighbours in time outvote a wrong one. OpenCV's trackers are not used: they
follow a patch of pixels and drift when the person turns.
"""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from video.shots import split_before
from video.tracking.detection import Detection
from video.tracking.person import Person, interpolate, median_person

DETECTIONS_AROUND = 3  # detections before and after that vote
LEAST_VOTES = 2
LEAST_VOTES_UNCONFIRMED = 4  # if the pose model confirms no person
LONGEST_GAP = 10  # detections without the person, about 5 s, before they are considered gone
# The crop stands still until the person has moved by this many shoulder widths, or changed in size by this ratio.
MAX_MOVE = 0.3
MAX_GROWTH = 1.2

T = TypeVar("T")


@dataclass(frozen=True)
class SampledFrame(Generic[T]):
    """A frame, and the detection in it if there was one."""

    frame: T
    detection: Detection | None
    begins_shot: bool  # then there is a detection


@dataclass(frozen=True)
class TrackedPerson:
    """The person in one frame."""

    person: Person
    crop_center: Person  # the crop is taken around this Person


def track_person(frames: Iterable[SampledFrame[T]]) -> Iterator[tuple[T, TrackedPerson | None]]:
    """Yields each frame with the tracked person, or None if no person is there.

    The frames up to the third next detection wait in memory.
    """
    for shot in split_before(frames, lambda frame: frame.begins_shot):
        yield from _track_in_shot(shot)


def _track_in_shot(sampled: Iterable[SampledFrame[T]]) -> Iterator[tuple[T, TrackedPerson | None]]:
    person: Person | None = None
    center: Person | None = None
    gap = 0
    for frames, detections in _with_detections_around(sampled):
        voted = _vote(person, *_most_reliable(detections))
        seen = voted or _median_estimate(person, detections)
        gap = 0 if seen is not None else gap + 1
        person, before = seen or person, center
        if person is not None and (center is None or _has_moved(center, person)):
            center = person
        if person is None or center is None or gap > LONGEST_GAP:
            yield from ((frame, None) for frame in _emptied(frames))
            continue
        glides = before is not None and before.is_near(center)
        count = len(frames)
        for number, frame in enumerate(_emptied(frames), 1):
            now = interpolate(before, center, number / count) if glides and before else center
            yield frame, TrackedPerson(person, now)


def _most_reliable(detections: Sequence[Detection]) -> tuple[list[Sequence[Person]], int]:
    """Returns the people of each confirmed detection, or of all if too few are confirmed, and the votes required."""
    confirmed: list[Sequence[Person]] = [detection.people for detection in detections if detection.is_confirmed]
    if len(confirmed) >= LEAST_VOTES:
        return confirmed, LEAST_VOTES
    return [detection.people for detection in detections], LEAST_VOTES if confirmed else LEAST_VOTES_UNCONFIRMED


def _vote(person: Person | None, detections: Sequence[Sequence[Person]], least: int) -> Person | None:
    """The tracked person's position if any detection is near; otherwise the person with the most votes, if enough."""
    if person is not None:
        near = _near(person, detections)
        if near:
            return median_person(near)
    candidates = [_near(candidate, detections) for people in detections for candidate in people]
    enough = [near for near in candidates if len(near) >= min(least, len(detections))]
    if not enough:
        return None
    # Of two with as many votes, the larger one.
    return median_person(max(enough, key=lambda near: (len(near), median_person(near).width)))


def _median_estimate(person: Person | None, detections: Sequence[Detection]) -> Person | None:
    """The position of a person missed by all detections, according to the pose model."""
    estimates = [[detection.estimate] for detection in detections if detection.estimate is not None]
    near = _near(person, estimates) if person is not None else []
    return median_person(near) if near else None


def _near(person: Person, detections: Sequence[Sequence[Person]]) -> list[Person]:
    """From each detection, the one nearest in size of those who can be this person."""
    near = ([other for other in people if other.is_near(person)] for people in detections)
    return [min(others, key=lambda other: abs(other.width - person.width)) for others in near if others]


def _has_moved(center: Person, person: Person) -> bool:
    distance = max(abs(person.x - center.x), abs(person.y - center.y))
    growth = max(person.width / center.width, center.width / person.width)
    return distance > MAX_MOVE * center.width or growth > MAX_GROWTH


def _with_detections_around(sampled: Iterable[SampledFrame[T]]) -> Iterator[tuple[deque[T], list[Detection]]]:
    """Yields the frames from each detection up to the next, with the detections around it."""
    window: deque[tuple[deque[T], Detection] | None] = deque(maxlen=2 * DETECTIONS_AROUND + 1)
    window.extend(itertools.repeat(None, DETECTIONS_AROUND))
    for item in itertools.chain(_by_detection(sampled), itertools.repeat(None, DETECTIONS_AROUND)):
        window.append(item)
        now = window[DETECTIONS_AROUND] if len(window) == window.maxlen else None
        if now is not None:
            yield now[0], [pair[1] for pair in window if pair is not None]


def _by_detection(sampled: Iterable[SampledFrame[T]]) -> Iterator[tuple[deque[T], Detection]]:
    for group in split_before(sampled, lambda frame: frame.detection is not None):
        group_frames = list(group)
        yield deque(frame.frame for frame in group_frames), group_frames[0].detection or Detection([])


def _emptied(frames: deque[T]) -> Iterator[T]:
    """Yields the frames and releases each of them, since they are large."""
    while frames:
        yield frames.popleft()
