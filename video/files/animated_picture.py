"""Animated pictures, read with Pillow one frame at a time: GIF, animated WebP, animated PNG, TIFF of several pages.

The copy is always a GIF.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterator
from fractions import Fraction

import numpy as np
from PIL import GifImagePlugin, Image, ImageSequence

from support.atomic_write import atomic_write
from support.destination import check_destination
from support.picture import open_regular_file, opened_picture, require_allowed_size
from support.user_error import UserError
from video.files.media import GIF_EXTENSION, Frame, WriteFrame, extension_of
from video.files.pixels import (
    SIXTEEN_BIT_MODES,
    bits_in_use,
    has_sixteen_bit_colours,
    rgb_pixels,
    warning_of_bits,
    warning_of_dark_colours,
)

FORMATS = ("GIF", "PNG", "TIFF", "WEBP")
GIF_COLOURS = 256
GIF_TRAILER = b";"
GIF_TICK = 10  # milliseconds
MILLISECONDS_PER_PAGE = 40  # TIFF has no times


def frame_count(image: Image.Image) -> int:
    """The number of frames that `frames_of` yields; 1 for a picture that is not animated."""
    # The additional pictures of a JPEG file are previews and depth maps.
    count: int = getattr(image, "n_frames", 1)
    if count == 1 or image.format not in FORMATS:
        return 1
    if image.format == "TIFF":
        return sum(1 for _ in frames_of(image))
    return count - bool(image.info.get("default_image"))


def frames_of(image: Image.Image) -> Iterator[Image.Image]:
    """Yields the image at each of its frames, without a PNG's picture for programs that show only one.

    Pages of a TIFF that differ in size from the first are previews, and left out too. Raises Pillow's
    DecompressionBombError if a frame is too large.
    """
    has_picture_for_others = image.format == "PNG" and image.info.get("default_image")
    size = image.size
    for number, shown in enumerate(ImageSequence.Iterator(image)):
        # A frame of a GIF may be larger than those before it.
        require_allowed_size(shown)
        if not (has_picture_for_others and number == 0) and (image.format != "TIFF" or shown.size == size):
            yield shown


class AnimatedPicture:
    """An animated picture, or a still GIF. Raises UserError if the file is not a picture, or any other still picture.

    `frame_count` is what the file claims.
    """

    duration: Fraction | None = None

    def __init__(self, path: str) -> None:
        self.path = path
        self._brightest_deep_colour: int | None = None  # the largest upper byte of 16-bit colours
        with self._opened() as image:
            self.frame_count = frame_count(image)
            self._loop = image.info.get("loop")
            if self.frame_count == 1 and image.format != "GIF":
                raise UserError(f"{path} is a single picture; put it in a folder and pass the folder")

    @property
    def warnings(self) -> list[str]:
        warnings = warning_of_bits(self.path, self._bits)
        if self._brightest_deep_colour is not None:
            warnings += warning_of_dark_colours(self.path, self._brightest_deep_colour)
        return warnings

    def _opened(self) -> contextlib.AbstractContextManager[Image.Image]:
        return _opened(self.path)

    @functools.cached_property
    def _bits(self) -> int:
        with self._opened() as image:
            if image.format not in ("PNG", "TIFF"):
                return 16
            return bits_in_use(shown for shown in frames_of(image) if shown.mode in SIXTEEN_BIT_MODES)

    def frames(self) -> Iterator[Frame]:
        """Yields the frames, each composed with the ones before it. Raises UserError if the file is damaged."""
        with self._opened() as image:
            start = 0.0
            for shown in frames_of(image):
                is_deep = has_sixteen_bit_colours(shown)
                pixels = rgb_pixels(shown, self._bits)
                if is_deep:
                    self._brightest_deep_colour = max(self._brightest_deep_colour or 0, int(pixels.max()))
                milliseconds = shown.info.get("duration", MILLISECONDS_PER_PAGE if image.format == "TIFF" else 0)
                end = start + milliseconds
                yield Frame(pixels, seconds=start / 1000, milliseconds=_rounded(end) - _rounded(start))
                start = end

    @contextlib.contextmanager
    def written_to(self, path: str) -> Iterator[WriteFrame]:
        """Yields a function that writes one frame. The copy has this picture's display times and number of repetitions.

        The file is written atomically. Pillow's `Image.save(save_all=True)` is not used because it holds all frames in
        memory.
        """
        with atomic_write(path) as partial, open(partial, "wb") as file:

            def write(picture: np.ndarray, frame: Frame) -> None:
                image = Image.fromarray(picture).quantize(GIF_COLOURS)
                if file.tell() == 0:
                    header, _ = GifImagePlugin.getheader(image, info={"loop": self._loop, "duration": 1})
                    file.write(b"".join(header))
                data = GifImagePlugin.getdata(image, duration=frame.milliseconds, include_color_table=True)
                file.write(b"".join(data))

            yield write
            file.write(GIF_TRAILER)

    def check_destination(self, path: str, overwrite: bool) -> None:
        """Raises UserError if the copy cannot or must not be written to `path`."""
        if extension_of(path) != GIF_EXTENSION:
            raise UserError(
                f"{path} does not end in {GIF_EXTENSION}; the output of an animated picture is a GIF, so name it .gif"
            )
        check_destination(path, self.path, overwrite)


@contextlib.contextmanager
def _opened(path: str) -> Iterator[Image.Image]:
    with open_regular_file(path) as file, opened_picture(file, path, FORMATS) as image:
        yield image


def _rounded(milliseconds: float) -> int:
    """Milliseconds, rounded to those that a GIF can have."""
    return GIF_TICK * round(milliseconds / GIF_TICK)
