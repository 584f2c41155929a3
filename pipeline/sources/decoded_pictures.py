"""Decodes and scales pictures on disk in several threads and bounded memory."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from PIL import Image

from command_line.user_error import UserError
from pipeline.area_averaging import area_average

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

    Raises UserError if a file is not a complete picture, OSError if it cannot be read.
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
    with open(path, "rb") as file:
        contents = file.read()
        file.seek(0)
        try:
            with Image.open(file) as image:
                picture = np.asarray(image.convert("RGB"))
        # Pillow raises these for files that are not pictures, are cut short, or state an excessive size.
        except (OSError, SyntaxError, ValueError, EOFError, Image.DecompressionBombError) as error:
            raise UserError(
                f"{path} cannot be read as a picture ({_reason(error)}); unpack the release again"
            ) from None
    old_height, old_width = picture.shape[:2]
    return DecodedPicture(contents, area_average(picture, height, width), old_height, old_width)


def _reason(error: Exception) -> str:
    return "it is not a picture" if isinstance(error, Image.UnidentifiedImageError) else str(error)
