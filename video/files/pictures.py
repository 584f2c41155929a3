"""Animated GIFs and folders of pictures, read and written with Pillow, one frame at a time."""

from __future__ import annotations

import contextlib
import io
import os
import re
from collections.abc import Iterator
from fractions import Fraction

import numpy as np
from PIL import GifImagePlugin, Image, ImageOps, ImageSequence

from support.atomic_write import atomic_folder, atomic_write
from support.destination import check_destination
from support.picture import open_regular_file, opened_picture, require_allowed_size
from support.user_error import UserError
from video.files.media import GIF_EXTENSION, PICTURE_EXTENSIONS, VIDEO_EXTENSIONS, Frame, WriteFrame, extension_of

GIF_COLOURS = 256
GIF_TRAILER = b";"
QUALITY = 95  # of 100, for JPEG and WebP
SIXTEEN_BIT_MODES = ("I", "I;16", "I;16L", "I;16B", "I;16N")
BACKGROUND = "white"  # behind transparent pixels


class GifFile:
    """A GIF, animated or still. Raises UserError if the file is not a GIF."""

    duration: Fraction | None = None

    def __init__(self, path: str) -> None:
        self.path = path
        with self._opened() as image:
            self.frame_count = image.n_frames
            self._loop = image.info.get("loop")

    @contextlib.contextmanager
    def _opened(self) -> Iterator[GifImagePlugin.GifImageFile]:
        with open_regular_file(self.path) as file, opened_picture(file, self.path, ("GIF",)) as image:
            assert isinstance(image, GifImagePlugin.GifImageFile)
            yield image

    def frames(self) -> Iterator[Frame]:
        """Yields the frames, each composed with the ones before it. Raises UserError if the file is damaged."""
        with self._opened() as image:
            start = 0
            for shown in ImageSequence.Iterator(image):
                # A frame may be larger than those before it.
                require_allowed_size(shown)
                milliseconds = shown.info.get("duration", 0)
                yield Frame(rgb_pixels(shown), seconds=start / 1000, milliseconds=milliseconds)
                start += milliseconds

    @contextlib.contextmanager
    def written_to(self, path: str) -> Iterator[WriteFrame]:
        """Yields a function that writes one frame. The copy has this GIF's display times and number of repetitions.

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
            raise UserError(f"{path} does not end in {GIF_EXTENSION}; the output of a GIF is a GIF, so name it .gif")
        check_destination(path, self.path, overwrite)


class PictureFolder:
    """The pictures in a folder, in natural order: frame_2 before frame_10. Their sizes may differ.

    Other files, hidden files and subfolders are ignored. Raises UserError if the folder has no pictures.
    """

    duration: Fraction | None = None

    def __init__(self, path: str) -> None:
        self.path = path
        self.names = sorted(filter(self._is_picture, os.listdir(path)), key=_natural_order)
        self.frame_count = len(self.names)
        if not self.names:
            raise UserError(f"{path} has no pictures; pass a folder of {', '.join(PICTURE_EXTENSIONS)} files")

    def _is_picture(self, name: str) -> bool:
        has_extension = extension_of(name) in PICTURE_EXTENSIONS and not name.startswith(".")
        return has_extension and os.path.isfile(os.path.join(self.path, name))

    def frames(self) -> Iterator[Frame]:
        """Yields one frame per picture. Raises UserError if a picture cannot be read."""
        for name in self.names:
            path = os.path.join(self.path, name)
            with open_regular_file(path) as file, opened_picture(file, path) as image:
                picture = rgb_pixels(image)
            yield Frame(picture, name=name)

    @contextlib.contextmanager
    def written_to(self, path: str) -> Iterator[WriteFrame]:
        """Yields a function that writes one picture, under the name and in the format of its source picture.

        The folder is written atomically.
        """
        with atomic_folder(path) as partial:

            def write(picture: np.ndarray, frame: Frame) -> None:
                assert frame.name is not None
                # Encoded in memory, because Pillow's errors do not say why a write failed.
                encoded = io.BytesIO()
                file_format = Image.registered_extensions()[extension_of(frame.name)]
                Image.fromarray(picture).save(encoded, file_format, quality=QUALITY)
                with open(os.path.join(partial, frame.name), "wb") as file:
                    file.write(encoded.getvalue())

            yield write

    def check_destination(self, path: str, overwrite: bool) -> None:
        """Raises UserError if the copy cannot or must not be written to the folder `path`.

        An existing folder is replaced only if it contains nothing but pictures with this folder's names.
        """
        if extension_of(path) in (GIF_EXTENSION, *VIDEO_EXTENSIONS):
            raise UserError(f"{path} would be a folder, because {self.path} is one; give --out a folder's name")
        check_destination(path, self.path, overwrite, is_folder=True)
        others = sorted(set(os.listdir(path)) - set(self.names)) if os.path.isdir(path) else []
        if others:
            raise UserError(f"{path} contains {others[0]}, which would be lost; choose another --out")


def _natural_order(name: str) -> tuple[list[str | int], str]:
    """Sort key that compares digits by their value."""
    parts = re.split(r"([0-9]+)", name)
    return [int(part) if place % 2 else part for place, part in enumerate(parts)], name


def rgb_pixels(image: Image.Image) -> np.ndarray:
    """Converts a Pillow image of any mode to RGB pixels, uint8 (height, width, 3).

    The picture is turned upright according to its EXIF orientation. Transparent pixels are composed with white. The
    upper 8 of 16 bits are kept. Raises ValueError for 32-bit pixels, whose white point is unknown.
    """
    image = ImageOps.exif_transpose(image)
    if image.mode in SIXTEEN_BIT_MODES:
        values = np.asarray(image)
        if values.min() < 0 or values.max() > 0xFFFF:
            raise ValueError("pixels of 32 bits")
        return np.repeat((values >> 8).astype(np.uint8)[..., None], 3, axis=2)
    if image.mode == "F":
        raise ValueError("pixels of 32 bits")
    if image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, BACKGROUND), image)
    return np.asarray(image.convert("RGB"))
