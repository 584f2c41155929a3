"""Where a video's shots begin.

PySceneDetect was considered: it opens video files itself. Here pictures come one by one from a process behind a wall.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

import numpy as np

from pipeline.area_averaging import area_average

THUMBNAIL = (9, 16)
# Mean difference of two thumbnails, of 255. On bicycles that pass by, and a talking head, the largest was 14.
CUT = 30.0

T = TypeVar("T")


def thumbnail(picture: np.ndarray) -> np.ndarray:
    """float32 (9, 16, 3) of a picture, uint8 (height, width, 3)."""
    return area_average(picture, *THUMBNAIL).astype(np.float32)


def is_cut(before: np.ndarray | None, now: np.ndarray) -> bool:
    """Whether a shot begins between two thumbnails; before: None where the video begins."""
    return before is None or float(np.abs(now - before).mean()) > CUT


def runs(items: Iterable[T], begins: Callable[[T], bool]) -> Iterator[Iterator[T]]:
    """Yields the runs of items of which each begins where `begins` says so; each must be read before the next."""
    for _, run in itertools.groupby(_numbered(items, begins), lambda pair: pair[0]):
        yield (item for _, item in run)


def _numbered(items: Iterable[T], begins: Callable[[T], bool]) -> Iterator[tuple[int, T]]:
    number = 0
    for item in items:
        number += begins(item)
        yield number, item
