"""Finds the cuts between a video's shots.

PySceneDetect is not used, because it opens video files itself; here the frames come from a sandboxed process.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

import numpy as np

from pipeline.sources.scaled_pictures import area_average

THUMBNAIL_SHAPE = (9, 16)
# Mean difference of two thumbnails, of 255. On passing bicycles and a talking head, the largest was 14.
CUT_DIFFERENCE = 30.0

T = TypeVar("T")


def thumbnail(picture: np.ndarray) -> np.ndarray:
    """Reduces a picture, uint8 (height, width, 3), to float32 (9, 16, 3)."""
    return area_average(picture, *THUMBNAIL_SHAPE).astype(np.float32)


def is_cut(before: np.ndarray | None, now: np.ndarray) -> bool:
    """Whether a shot begins between two successive thumbnails. before: None at the beginning of the video."""
    return before is None or float(np.abs(now - before).mean()) > CUT_DIFFERENCE


def split_before(items: Iterable[T], begins: Callable[[T], bool]) -> Iterator[Iterator[T]]:
    """Splits items before each one for which `begins` is true. Lazy: read each part before the next."""
    number = 0

    def part_of(item: T) -> int:
        nonlocal number
        number += begins(item)
        return number

    for _, part in itertools.groupby(items, part_of):
        yield part
