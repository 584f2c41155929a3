"""Animated GIFs, read and written with Pillow, one frame at a time.

Pillow's Image.save with save_all was considered for writing: it collects all frames before it writes the first one.
Here each is written as it comes.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from fractions import Fraction

import numpy as np
from PIL import GifImagePlugin, Image, ImageSequence

from support.atomic_write import atomic_write
from support.destination import check_destination
from support.picture import open_regular_file, opened_picture, require_allowed_size
from support.user_error import UserError
from video.files.file_types import GIF_EXTENSION, extension_of
from video.files.frame import Frame, WriteFrame
from video.files.picture_pixels import rgb_pixels

COLOURS = 256
END_OF_FILE = b";"


class GifFile:
    """A GIF, animated or still. Raises UserError where there is none at `path`.

    frame_count: how many frames it holds.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self.duration: Fraction | None = None
        with self._opened() as image:
            self.frame_count = image.n_frames
            self._loop = image.info.get("loop")

    @contextlib.contextmanager
    def _opened(self) -> Iterator[GifImagePlugin.GifImageFile]:
        with open_regular_file(self.path) as file, opened_picture(file, self.path, ("GIF",)) as image:
            assert isinstance(image, GifImagePlugin.GifImageFile)
            yield image

    def frames(self) -> Iterator[Frame]:
        """Yields a Frame for each picture. Raises UserError where the file is damaged."""
        with self._opened() as image:
            start = 0
            for shown in ImageSequence.Iterator(image):
                # A frame may be larger than those before it.
                require_allowed_size(shown)
                # Pillow composes a frame that changes only a part of the picture with the frames before it.
                milliseconds = shown.info.get("duration", 0)
                yield Frame(rgb_pixels(shown), seconds=start / 1000, milliseconds=milliseconds)
                start += milliseconds

    @contextlib.contextmanager
    def written_to(self, path: str) -> Iterator[WriteFrame]:
        """Yields a function that writes a picture, uint8 (height, width, 3), in place of a Frame of this GIF.

        The pictures are shown as long as this GIF's, and the animation repeats as often. The file is written
        atomically.
        """
        with atomic_write(path) as partial, open(partial, "wb") as file:

            def write(picture: np.ndarray, frame: Frame) -> None:
                image = Image.fromarray(picture).quantize(COLOURS)
                if file.tell() == 0:
                    header, _ = GifImagePlugin.getheader(image, info={"loop": self._loop, "duration": 1})
                    file.write(b"".join(header))
                data = GifImagePlugin.getdata(image, duration=frame.milliseconds, include_color_table=True)
                file.write(b"".join(data))

            yield write
            file.write(END_OF_FILE)

    def check_destination(self, path: str, overwrite: bool) -> None:
        """Raises UserError where no GIF can or must be written to `path`."""
        if extension_of(path) != GIF_EXTENSION:
            raise UserError(f"{path} does not end in {GIF_EXTENSION}; the result of a GIF is one too, so name it so")
        check_destination(path, self.path, overwrite)
