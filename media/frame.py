"""What a video, a GIF and a folder of pictures have in common."""

from typing import NamedTuple

import numpy as np


class Frame(NamedTuple):
    """One picture, (height, width, 3) uint8 RGB, upright.

    seconds: since the first frame, for videos and GIFs. milliseconds: how long it is shown, for GIFs. name: that of the
    file, for folders of pictures.
    """

    picture: np.ndarray
    seconds: float | None = None
    milliseconds: int | None = None
    name: str | None = None
