"""The position of a person in a picture, and the part of the picture that the model sees for it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple, Protocol

import numpy as np

from pipeline.joints import JOINT_NAMES
from video.crop import Crop

# The size of the crop in shoulder widths. The pictures of YouTube Pose's 40 people are 6.1 wide and 3.9 high in the
# median, with the shoulders 1.5 below the upper edge, and 4.6 wide and 3.0 high at the tightest tenth. Where the
# picture ends, the crop shrinks down to the smallest size before it extends beyond the picture.
CROP_WIDTH, SMALLEST_CROP_WIDTH = 5.6, 4.2
CROP_HEIGHT, SMALLEST_CROP_HEIGHT = 3.6, 2.8
SHARE_ABOVE_SHOULDERS = 0.4
# Minimum distance of the midpoint between the shoulders from the crop's edges, as a share of its size.
MARGIN = 0.25

# How far two detections of one person within a second may differ.
MAX_DISTANCE = 1.0  # shoulder widths
MAX_WIDTH_RATIO = 1.6

# The training pictures extend at least 1.16 shoulder widths below the shoulders. In shorter ones, as in a video call,
# a network finds a small person inside the face, so the face alone is used.
LEAST_BELOW_SHOULDERS = 1.0  # shoulder widths
# From the midpoint between the shoulders up to the label of the head: the median of YouTube Pose's 40 people.
HEAD_ABOVE_SHOULDERS = 0.53  # shoulder widths


class Person(NamedTuple):
    """Where a person is, in pixels of the picture. A tuple, because positions are averaged componentwise."""

    x: float  # of the midpoint between the shoulders
    y: float
    width: float  # from shoulder to shoulder

    def is_near(self, other: Person) -> bool:
        """Whether both can be the same person at about the same time."""
        distance = math.hypot(self.x - other.x, self.y - other.y) / max(self.width, other.width)
        ratio = max(self.width, other.width) / min(self.width, other.width)
        return distance <= MAX_DISTANCE and ratio <= MAX_WIDTH_RATIO


class Detector(Protocol):
    """Finds people."""

    def __call__(self, picture: np.ndarray, around: Person | None = None, is_confirmed: bool = True) -> list[Person]:
        """Returns the people in a picture, uint8 (height, width, 3), RGB.

        around: where a person was shortly before; only their surroundings are searched. is_confirmed: whether that
        position is known to be a person's, so that weaker evidence is enough to detect them again.
        """


def median_person(people: Sequence[Person]) -> Person:
    """The median of each component."""
    return Person(*np.median(np.array(people, np.float64), axis=0).tolist())


def interpolate(first: Person, second: Person, share: float) -> Person:
    """Linear interpolation: `first` at a share of 0, `second` at 1."""
    return Person(*(a + share * (b - a) for a, b in zip(first, second, strict=True)))


def crop_around(person: Person, height: int, width: int) -> Crop:
    """The crop that shows a person as the training pictures show theirs, in a picture of this height and width.

    It may extend beyond the picture, whose edges are then repeated, as in training.
    """
    smallest = (person.width * SMALLEST_CROP_WIDTH, person.width * SMALLEST_CROP_HEIGHT)
    crop_width, left = _side(person.x, person.width * CROP_WIDTH, smallest[0], width, 0.5)
    crop_height, top = _side(person.y, person.width * CROP_HEIGHT, smallest[1], height, SHARE_ABOVE_SHOULDERS)
    return Crop(left, top, crop_width, crop_height)


def _side(middle: float, usual: float, smallest: float, available: int, share_before: float) -> tuple[int, int]:
    """Returns one side's length and its start, in whole pixels. available: length of the picture's side."""
    length = min(usual, max(available, smallest))
    start = middle - share_before * length
    # Inside the picture, or around it if the picture is smaller, but never far from the person.
    start = min(max(start, min(0, available - length)), max(0, available - length))
    start = min(max(start, middle - (1 - MARGIN) * length), middle - MARGIN * length)
    return max(1, round(length)), round(start)


def ends_below_shoulders(person: Person, height: int) -> bool:
    """Whether a picture of this height shows too little of the person for a network."""
    return height - person.y < LEAST_BELOW_SHOULDERS * person.width


def head_and_shoulders(person: Person) -> np.ndarray:
    """Joints of a person who faces the camera, float32 (7, 2) in pixels of the picture; NaN for elbows and wrists."""
    x, y, width = person
    known = {
        "head": (x, y - HEAD_ABOVE_SHOULDERS * width),
        "right shoulder": (x - width / 2, y),
        "left shoulder": (x + width / 2, y),
    }
    return np.array([known.get(joint, (np.nan, np.nan)) for joint in JOINT_NAMES], np.float32)
