"""Where a person's upper body is in a picture, and the part of the picture that the model sees of it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple, Protocol

import numpy as np

from video.crop import Crop

# In shoulder widths. In the whole pictures of YouTube Pose's 40 people, the middle one is 6.1 wide and 3.9 high, and
# the middle between the shoulders is 1.5 below its upper edge. The tightest tenth is 4.6 wide and 3.0 high; sides of
# fewer, down to these, are preferred to parts beyond the picture.
WIDTH, SMALLEST_WIDTH = 5.6, 4.2
HEIGHT, SMALLEST_HEIGHT = 3.6, 2.8
SHARE_ABOVE = 0.4
# Of the box's width, how near to its edges the middle between the shoulders may come where the picture ends.
NEAREST_TO_EDGE = 0.25

# In shoulder widths, and as a ratio of them: how far apart two sightings of one person in a second may be.
FARTHEST_APART = 1.0
LARGEST_RATIO = 1.6


class UpperBody(NamedTuple):
    """x, y: the middle between the shoulders. width: from shoulder to shoulder. All in pixels of the picture."""

    x: float
    y: float
    width: float

    def is_near(self, other: UpperBody) -> bool:
        """Whether both may be the same person at about the same time."""
        apart = math.hypot(self.x - other.x, self.y - other.y) / max(self.width, other.width)
        ratio = max(self.width, other.width) / min(self.width, other.width)
        return apart <= FARTHEST_APART and ratio <= LARGEST_RATIO


class Detector(Protocol):
    """Finds people."""

    def __call__(self, picture: np.ndarray, around: UpperBody | None = None, is_sure: bool = True) -> list[UpperBody]:
        """The people in a picture, uint8 (height, width, 3), RGB.

        around: a person who was there shortly before; only their surroundings are searched then. is_sure: whether it is
        certain that this was a person, so that less is enough to see them again.
        """


def middle_of(bodies: Sequence[UpperBody]) -> UpperBody:
    """The median of each value; a single wrong sighting in three does no harm."""
    return UpperBody(*np.median(np.array(bodies, np.float64), axis=0).tolist())


def between(first: UpperBody, second: UpperBody, share: float) -> UpperBody:
    """The first at a share of 0, the second at 1."""
    return UpperBody(*(a + share * (b - a) for a, b in zip(first, second, strict=True)))


def crop_around(body: UpperBody, height: int, width: int) -> Crop:
    """The part of a picture of this height and width that shows a body as the training pictures show theirs.

    It may reach beyond the picture, whose edges are repeated there as they are in training.
    """
    box_width, left = _side(body.x, body.width * WIDTH, body.width * SMALLEST_WIDTH, width, 0.5)
    box_height, top = _side(body.y, body.width * HEIGHT, body.width * SMALLEST_HEIGHT, height, SHARE_ABOVE)
    return Crop(left, top, box_width, box_height)


def _side(middle: float, usual: float, smallest: float, there: int, share_before: float) -> tuple[int, int]:
    """A side's length and where it begins, in whole pixels. there: how long the picture's side is."""
    length = min(usual, max(there, smallest))
    start = middle - share_before * length
    # Inside the picture, or as the picture's middle where it is the smaller one; but never far from the person.
    start = min(max(start, min(0, there - length)), max(0, there - length))
    start = min(max(start, middle - (1 - NEAREST_TO_EDGE) * length), middle - NEAREST_TO_EDGE * length)
    return max(1, round(length)), round(start)
