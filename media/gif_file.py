"""Animated GIFs. Pillow's own way of writing them holds all frames; here each is written as it comes."""

import contextlib

from PIL import GifImagePlugin, Image, ImageSequence

from command_line.user_error import UserError
from files.atomic_write import atomic_write
from files.destination import check_destination
from media.file_types import GIF, extension_of
from media.frame import Frame
from media.picture_pixels import rgb_pixels, user_errors_of_pictures

COLOURS = 256
END_OF_FILE = b";"


class GifFile:
    """A GIF, animated or not; raises UserError where there is none at `path`.

    frame_count: how many frames it holds.
    """

    def __init__(self, path):
        self.path = path
        with self._opened() as image:
            self.frame_count = image.n_frames
            self.duration = None
            self._loop = image.info.get("loop")

    @contextlib.contextmanager
    def _opened(self):
        with user_errors_of_pictures(self.path), Image.open(self.path, formats=["GIF"]) as image:
            yield image

    def frames(self):
        """Yields a Frame for each picture; raises UserError where the file is damaged."""
        with self._opened() as image:
            began = 0
            for shown in ImageSequence.Iterator(image):
                # Frames that only change a part are whole here, laid on those before them.
                milliseconds = shown.info.get("duration", 0)
                yield Frame(rgb_pixels(shown), seconds=began / 1000, milliseconds=milliseconds)
                began += milliseconds

    @contextlib.contextmanager
    def written_to(self, path):
        """Yields a function that writes a picture, uint8 (height, width, 3), in the place of a Frame of ours.

        The pictures are shown as long as ours. The file appears whole at the end, or not at all.
        """
        with atomic_write(path) as partial, open(partial, "wb") as file:

            def write(picture, frame):
                image = Image.fromarray(picture).quantize(COLOURS)
                if file.tell() == 0:
                    header, _ = GifImagePlugin.getheader(image, info={"loop": self._loop, "duration": 1})
                    file.write(b"".join(header))
                data = GifImagePlugin.getdata(image, duration=frame.milliseconds, include_color_table=True)
                file.write(b"".join(data))

            yield write
            file.write(END_OF_FILE)

    def check_destination(self, path, overwrite):
        """Raises UserError where no GIF can or must be written to `path`."""
        if extension_of(path) != GIF:
            raise UserError(f"{path} does not end in {GIF}, as the result of a GIF does; give a name that does")
        check_destination(path, self.path, overwrite)
