"""A folder of pictures, in natural order: frame_2 before frame_10."""

from __future__ import annotations

import contextlib
import io
import os
import re
from collections.abc import Iterator
from fractions import Fraction

import numpy as np
from PIL import Image

from support.atomic_write import atomic_folder
from support.destination import check_destination
from support.picture import open_regular_file, opened_picture
from support.user_error import UserError
from video.files.file_types import GIF_EXTENSION, PICTURE_EXTENSIONS, VIDEO_EXTENSIONS, extension_of
from video.files.frame import Frame, WriteFrame
from video.files.picture_pixels import rgb_pixels

QUALITY = 95  # of 100, for JPEG and WebP


class PictureFolder:
    """The pictures in a folder, of any sizes; other files, hidden files and subfolders are ignored.

    frame_count: how many pictures. Raises UserError where there is none.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self.names = sorted(filter(self._is_picture, os.listdir(path)), key=_natural_order)
        self.frame_count = len(self.names)
        self.duration: Fraction | None = None
        if not self.names:
            raise UserError(f"{path} holds no pictures; give a folder of {', '.join(PICTURE_EXTENSIONS)} files")

    def _is_picture(self, name: str) -> bool:
        is_named_so = extension_of(name) in PICTURE_EXTENSIONS and not name.startswith(".")
        return is_named_so and os.path.isfile(os.path.join(self.path, name))

    def frames(self) -> Iterator[Frame]:
        """Yields a Frame for each picture. Raises UserError at one that cannot be read."""
        for name in self.names:
            path = os.path.join(self.path, name)
            with open_regular_file(path) as file, opened_picture(file, path) as image:
                picture = rgb_pixels(image)
            yield Frame(picture, name=name)

    @contextlib.contextmanager
    def written_to(self, path: str) -> Iterator[WriteFrame]:
        """Yields a function that writes a picture, uint8 (height, width, 3), in place of a Frame of this folder.

        The file gets the name and the format of the one it stands for. The folder is written atomically.
        """
        with atomic_folder(path) as partial:

            def write(picture: np.ndarray, frame: Frame) -> None:
                assert frame.name is not None
                # Not straight to the file: Pillow's errors do not say why a write failed.
                encoded = io.BytesIO()
                file_format = Image.registered_extensions()[extension_of(frame.name)]
                Image.fromarray(picture).save(encoded, file_format, quality=QUALITY)
                with open(os.path.join(partial, frame.name), "wb") as file:
                    file.write(encoded.getvalue())

            yield write

    def check_destination(self, path: str, overwrite: bool) -> None:
        """Raises UserError where the result cannot or must not be written to the folder `path`.

        A folder is overwritten only where it holds nothing but pictures of this folder's names, as an earlier result
        does.
        """
        if extension_of(path) in (GIF_EXTENSION, *VIDEO_EXTENSIONS):
            raise UserError(f"{path} would be a folder of pictures as {self.path} is; give a name that says so")
        check_destination(path, self.path, overwrite, is_folder=True)
        others = sorted(set(os.listdir(path)) - set(self.names)) if os.path.isdir(path) else []
        if others:
            raise UserError(f"{path} holds {others[0]}, which would be lost; give another --out")


def _natural_order(name: str) -> tuple[list[str | int], str]:
    """A sort key that compares digits by their value. The package natsort would be a dependency for these two lines."""
    parts = re.split(r"([0-9]+)", name)
    return [int(part) if place % 2 else part for place, part in enumerate(parts)], name
