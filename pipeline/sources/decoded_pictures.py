"""Decodes and scales pictures on disk in several threads and bounded memory."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from pipeline.area_averaging import area_average
from support.picture import open_regular_file, opened_picture

if TYPE_CHECKING:
    from _typeshed import StrPath

# A thread holds a picture at its original size; pictures that wait are held as the file's bytes and the small frame.
MOST_THREADS = 8
WAITING_PER_THREAD = 4


class DecodedPicture(NamedTuple):
    """contents: the file's bytes. frame: uint8 (height, width, 3). old_height, old_width: before scaling, in pixels."""

    contents: bytes
    frame: np.ndarray
    old_height: int
    old_width: int


def decoded_pictures(paths: Iterable[StrPath], height: int, width: int) -> Iterator[DecodedPicture]:
    """Yields the pictures of these paths, in their order, scaled to height and width by area averaging.

    Raises UserError if a file is not a complete picture, or is a link out of its folder; OSError if it cannot be read.
    """
    threads = min(MOST_THREADS, os.cpu_count() or 1)
    with ThreadPoolExecutor(threads) as pool:
        waiting: deque[Future[DecodedPicture]] = deque()
        try:
            for path in paths:
                waiting.append(pool.submit(_decoded, path, height, width))
                if len(waiting) == WAITING_PER_THREAD * threads:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()


def _decoded(path: StrPath, height: int, width: int) -> DecodedPicture:
    with open_regular_file(path, within=os.path.dirname(path)) as file:
        contents = file.read()
        file.seek(0)
        with opened_picture(file, path, advice="unpack the release again") as image:
            picture = np.asarray(image.convert("RGB"))
    old_height, old_width = picture.shape[:2]
    return DecodedPicture(contents, area_average(picture, height, width), old_height, old_width)
