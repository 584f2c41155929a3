"""One picture of a video, a GIF or a folder of pictures."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np


class Frame(NamedTuple):
    """One picture.

    picture: RGB, upright, uint8 (height, width, 3). seconds: since the first frame, for videos and GIFs. milliseconds:
    how long a GIF shows it. name: of the file, for folders of pictures.
    """

    picture: np.ndarray
    seconds: float | None = None
    milliseconds: int | None = None
    name: str | None = None


# Writes a picture, uint8 (height, width, 3), in place of a Frame of the source.
WriteFrame = Callable[[np.ndarray, Frame], None]
