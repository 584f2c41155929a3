"""What videos, GIFs and folders of pictures have in common: their frames and the extensions of their names."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

PICTURE_EXTENSIONS = (".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp", ".apng", ".jfif", ".jpe")
VIDEO_EXTENSIONS = (".avi", ".m4v", ".mkv", ".mov", ".mp4", ".webm")
GIF_EXTENSION = ".gif"


@dataclass(frozen=True)
class Frame:
    """One picture of a video, a GIF or a folder of pictures."""

    picture: np.ndarray  # RGB, upright, uint8 (height, width, 3)
    seconds: float | None = None  # time since the first frame; None for folders
    milliseconds: int | None = None  # display time; GIFs only
    name: str | None = None  # file name; folders only
    pixel_aspect: float = 1.0  # width / height of a pixel; differs from 1 in some videos


# Writes a picture, uint8 (height, width, 3), with the time or the file name of the given source frame.
WriteFrame = Callable[[np.ndarray, Frame], None]


def extension_of(path: str) -> str:
    """Returns the extension of a file name in lower case, with its dot: ".mp4"."""
    return os.path.splitext(path)[1].lower()
