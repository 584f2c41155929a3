"""A folder of pictures, in the order that people number them in."""

import contextlib
import io
import os
import re

from PIL import Image

from command_line.user_error import UserError
from files.atomic_write import atomic_folder
from files.destination import check_destination
from media.file_types import GIF, PICTURES, VIDEOS, extension_of
from media.frame import Frame
from media.picture_pixels import rgb_pixels, user_errors_of_pictures

QUALITY = 95  # of 100, for JPEG and WebP


class PictureFolder:
    """The pictures in a folder, which may have any sizes; other files, hidden ones and folders are left aside.

    Raises UserError where there is no picture.
    """

    def __init__(self, path):
        self.path = path
        self.names = sorted(filter(self._is_picture, os.listdir(path)), key=_numbers_by_value)
        self.frame_count = len(self.names)
        self.duration = None
        if not self.names:
            raise UserError(f"{path} holds no pictures; give a folder of {', '.join(PICTURES)} files")

    def _is_picture(self, name):
        is_named_so = extension_of(name) in PICTURES and not name.startswith(".")
        return is_named_so and os.path.isfile(os.path.join(self.path, name))

    def frames(self):
        """Yields a Frame for each picture; raises UserError at one that cannot be read."""
        for name in self.names:
            path = os.path.join(self.path, name)
            with user_errors_of_pictures(path), Image.open(path) as image:
                picture = rgb_pixels(image)
            yield Frame(picture, name=name)

    @contextlib.contextmanager
    def written_to(self, path):
        """Yields a function that writes a picture, uint8 (height, width, 3), in the place of a Frame of ours.

        The files are named as ours and have their formats; the folder appears whole at the end, or not at all.
        """
        with atomic_folder(path) as partial:

            def write(picture, frame):
                # Not straight to the file: Pillow does not tell why a write failed.
                encoded = io.BytesIO()
                file_format = Image.registered_extensions()[extension_of(frame.name)]
                Image.fromarray(picture).save(encoded, file_format, quality=QUALITY)
                with open(os.path.join(partial, frame.name), "wb") as file:
                    file.write(encoded.getvalue())

            yield write

    def check_destination(self, path, overwrite):
        """Raises UserError where no folder of our pictures can or must be written to `path`.

        What is overwritten holds nothing but pictures that are named as ours, as an earlier result does.
        """
        if extension_of(path) in (GIF, *VIDEOS):
            raise UserError(f"{path} would be a folder of pictures as {self.path} is; give a name that says so")
        check_destination(path, self.path, overwrite, is_folder=True)
        others = sorted(set(os.listdir(path)) - set(self.names)) if os.path.isdir(path) else []
        if others:
            raise UserError(f"{path} holds {others[0]}, which would be lost; give another --out")


def _numbers_by_value(name):
    """Sorts frame_2 before frame_10, and otherwise by name."""
    parts = re.split(r"([0-9]+)", name)
    return [int(part) if place % 2 else part for place, part in enumerate(parts)], name
