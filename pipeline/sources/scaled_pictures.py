"""Decodes pictures in several threads and bounded memory, and scales them by area averaging.

A new pixel is the mean of the area that it covers, which includes fractions of old pixels. Pillow and OpenCV were
considered. Pillow's box filter uses a pixel completely or not at all, which differs by up to 43 of 255. OpenCV's
INTER_AREA rounds halves differently, does not average if one axis shrinks while the other grows, and adds 150 MB.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from support.machine import usable_cores
from support.picture import open_regular_file, opened_picture

if TYPE_CHECKING:
    from _typeshed import StrPath

# Each thread holds one picture at its original size. Finished pictures wait as the file's bytes and the small frame.
MOST_THREADS = 8
WAITING_PER_THREAD = 4


@dataclass(frozen=True)
class ScaledPicture:
    contents: bytes  # of the file
    frame: np.ndarray  # uint8 (height, width, 3), scaled
    old_height: int  # in pixels
    old_width: int


def scaled_pictures(paths: Iterable[StrPath], height: int, width: int) -> Iterator[ScaledPicture]:
    """Yields the pictures at these paths, in order, scaled to this size in pixels.

    Raises UserError if a file is not a complete picture or is a link out of its folder; OSError if it cannot be read.
    """
    threads = min(MOST_THREADS, usable_cores())
    with ThreadPoolExecutor(threads) as pool:
        waiting: deque[Future[ScaledPicture]] = deque()
        try:
            for path in paths:
                waiting.append(pool.submit(_scaled_picture, path, height, width))
                if len(waiting) == WAITING_PER_THREAD * threads:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()


def _scaled_picture(path: StrPath, height: int, width: int) -> ScaledPicture:
    with open_regular_file(path, within=os.path.dirname(path)) as file:
        contents = file.read()
        file.seek(0)
        with opened_picture(file, path, advice="unpack the release again") as image:
            picture = np.asarray(image.convert("RGB"))
    old_height, old_width = picture.shape[:2]
    return ScaledPicture(contents, area_average(picture, height, width), old_height, old_width)


def area_average(picture: np.ndarray, height: int, width: int) -> np.ndarray:
    """Scales a picture, uint8 (H, W, C), to uint8 (height, width, C), C order.

    The mean is exact and halves are rounded to even, so the result is the same on every machine.
    """
    rows = _sums(picture, height)
    sums = _sums(rows.transpose(1, 0, 2), width).transpose(1, 0, 2)
    return np.rint(sums / (picture.shape[0] * picture.shape[1])).astype(np.uint8, order="C")


def _sums(values: np.ndarray, new: int) -> np.ndarray:
    """Divides the first axis into `new` equal parts and sums each.

    Returns the sums multiplied by `new`, so that they are whole numbers, int64 (new, ...).
    """
    old = len(values)
    # A boundary between parts lies after `whole` values and part/new of the next one.
    whole, part = np.divmod(np.arange(new + 1) * old, new)
    part = part.reshape(-1, *[1] * (values.ndim - 1))
    at_edges = values[np.minimum(whole, old - 1)].astype(np.int64) * part
    between = [values[start:end].sum(axis=0, dtype=np.int64) for start, end in zip(whole[:-1], whole[1:], strict=True)]
    return new * np.stack(between) + at_edges[1:] - at_edges[:-1]
