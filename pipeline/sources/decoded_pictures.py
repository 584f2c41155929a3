"""Pictures on disk, decoded and scaled in several threads, in bounded memory."""

import os
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
from PIL import Image

from command_line.user_error import UserError
from pipeline.area_averaging import area_average

# Each holds a picture at its own size, those that wait the file and the small frame.
MOST_THREADS = 8
WAITING_PER_THREAD = 4


class DecodedPicture(NamedTuple):
    """contents: the file's bytes. frame: uint8 (height, width, 3). old_height, old_width: before it was scaled."""

    contents: bytes
    frame: np.ndarray
    old_height: int
    old_width: int


def decoded_pictures(paths, height, width):
    """Yields the DecodedPicture of each path, in their order, scaled to height and width by area averaging.

    Raises UserError where a file is not a whole picture, OSError where it cannot be read.
    """
    threads = min(MOST_THREADS, os.cpu_count() or 1)
    with ThreadPoolExecutor(threads) as pool:
        waiting = deque()
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


def _decoded(path, height, width):
    with open(path, "rb") as file:
        contents = file.read()
        file.seek(0)
        try:
            with Image.open(file) as image:
                picture = np.asarray(image.convert("RGB"))
        # Pillow raises these for files that are no picture, are cut short, or are too large to be one.
        except (OSError, SyntaxError, ValueError, EOFError, Image.DecompressionBombError) as error:
            raise UserError(
                f"{path} cannot be read as a picture ({_reason(error)}); unpack the release again"
            ) from None
    return DecodedPicture(contents, area_average(picture, height, width), *picture.shape[:2])


def _reason(error):
    return "it is no picture" if isinstance(error, Image.UnidentifiedImageError) else str(error)
