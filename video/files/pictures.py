"""Folders of pictures, read and written one picture at a time.

Pillow reads the common formats. HEIC and AVIF are decoded in a sandboxed process.
"""

from __future__ import annotations

import contextlib
import functools
import importlib.util
import io
import os
import re
from collections.abc import Iterator
from fractions import Fraction

import numpy as np
from PIL import Image, features

from support.atomic_write import atomic_folder
from support.destination import check_destination
from support.picture import open_regular_file, opened_picture
from support.text import counted
from support.user_error import UserError
from video.files.animated_picture import frame_count
from video.files.media import (
    GIF_EXTENSION,
    PICTURE_EXTENSIONS,
    VIDEO_EXTENSIONS,
    Frame,
    WriteFrame,
    extension_of,
)
from video.files.pixels import (
    SIXTEEN_BIT_MODES,
    bits_in_use,
    has_sixteen_bit_colours,
    rgb_pixels,
    scaled_colours,
    stores_colours_in_16_bits,
    use_lower_bytes,
    warning_of_bits,
    warning_of_dark_colours,
)
from video.files.sandboxed_decoder import SandboxedDecoder

QUALITY = 95  # of 100, for JPEG and WebP
AVIF_EXTENSIONS = (".avif",)
HEIC_EXTENSIONS = (".heic", ".heif", ".hif")
OTHER_EXTENSIONS = (
    *(GIF_EXTENSION, ".dib", ".exr", ".hdr", ".j2k", ".jp2", ".jxl", ".pcx", ".pgm", ".pnm", ".ppm", ".psd", ".svg"),
    *(".tga", ".arw", ".cr2", ".cr3", ".dng", ".nef", ".orf", ".raf", ".raw", ".rw2"),
)
SAVE_AS_JPEG = "save them as JPEG or PNG"
INSTALL_HEIC = 'install pillow-heif with: python -m pip install ".[heic]"'
PICTURE_PROCESS = "video.files.picture_process"
NAMED = 3  # pictures in a warning


class PictureFolder:
    """The pictures in a folder, in natural order: frame_2 before frame_10. Their sizes may differ.

    Other files, hidden files and subfolders are ignored. Raises UserError if the folder has no pictures.
    """

    duration: Fraction | None = None

    def __init__(self, path: str) -> None:
        self.path = path
        names = sorted(filter(self._is_visible_file, os.listdir(path)), key=_natural_order)
        self._advice = advice_on_extensions()
        self.names = [name for name in names if self._advice.get(extension_of(name), "?") == ""]
        self._left_out = [name for name in names if self._advice.get(extension_of(name))]
        self._ignored_frames: dict[str, int] = {}
        self._brightest_deep_colour: int | None = None  # the largest upper byte of 16-bit colours
        self.frame_count = len(self.names)
        if not self.names:
            pictures = f"pass a folder of {', '.join(PICTURE_EXTENSIONS)} files"
            raise UserError(f"{path} has no pictures; {'; '.join(self._warnings_of_left_out()) or pictures}")

    def _is_visible_file(self, name: str) -> bool:
        return not name.startswith(".") and os.path.isfile(os.path.join(self.path, name))

    @property
    def warnings(self) -> list[str]:
        """What is wrong with the pictures read so far, and which are left out."""
        warnings = self._warnings_of_left_out()
        if self._ignored_frames:
            animated = [f"{name} ({count} frames)" for name, count in self._ignored_frames.items()]
            warnings.append(f"only the first frame is used of {_named(animated)}; to use all, pass the file itself")
        if self._brightest_deep_colour is not None:
            warnings += warning_of_dark_colours(self.path, self._brightest_deep_colour)
        return warnings + (warning_of_bits(self.path, self._bits) if "_bits" in vars(self) else [])

    def _warnings_of_left_out(self) -> list[str]:
        by_advice: dict[str, list[str]] = {}
        for name in self._left_out:
            by_advice.setdefault(self._advice[extension_of(name)], []).append(name)
        return [
            f"left out {counted(len(names), 'picture')}, {_named(names)}; to use them, {advice}"
            for advice, names in by_advice.items()
        ]

    def frames(self) -> Iterator[Frame]:
        """Yields one frame per picture. Raises UserError if a picture cannot be read."""
        for name in self.names:
            yield Frame(self._pixels(name), name=name)

    def _pixels(self, name: str) -> np.ndarray:
        path = os.path.join(self.path, name)
        with open_regular_file(path) as file:
            if not _needs_sandbox(file.read(12)):
                file.seek(0)
                with opened_picture(file, path) as image:
                    is_deep, can_scale = has_sixteen_bit_colours(image), stores_colours_in_16_bits(image)
                    self._note_frames(name, frame_count(image))
                    image.seek(0)
                    pixels = rgb_pixels(image, self._bits if image.mode in SIXTEEN_BIT_MODES else 16)
                if can_scale and self._bits < 16:
                    file.seek(0)
                    with opened_picture(file, path) as image:
                        use_lower_bytes(image)
                        return scaled_colours(pixels, rgb_pixels(image), self._bits)
                if is_deep:
                    self._brightest_deep_colour = max(self._brightest_deep_colour or 0, int(pixels.max()))
                return pixels
        decoder = SandboxedDecoder(path, PICTURE_PROCESS, advice="save it again as JPEG")
        with contextlib.closing(decoder):
            self._note_frames(name, decoder.properties.frame_count or 1)
            return next(decoder.frames()).picture

    def _note_frames(self, name: str, count: int) -> None:
        if count > 1:
            self._ignored_frames[name] = count

    @functools.cached_property
    def _bits(self) -> int:
        """The bits in use in the 16-bit pictures, of which all must be read: a dark one has fewer than the others."""

        def images() -> Iterator[Image.Image]:
            for name in self.names:
                path = os.path.join(self.path, name)
                with open_regular_file(path) as file:
                    if not _needs_sandbox(file.read(12)):
                        file.seek(0)
                        with opened_picture(file, path) as image:
                            yield image

        return bits_in_use(images())

    @contextlib.contextmanager
    def written_to(self, path: str) -> Iterator[WriteFrame]:
        """Yields a function that writes one picture, under the name and in the format of its source picture.

        HEIC pictures become JPEG. The folder is written atomically.
        """
        with atomic_folder(path) as partial:

            def write(picture: np.ndarray, frame: Frame) -> None:
                assert frame.name is not None
                name = _written_name(frame.name)
                # Encoded in memory, because Pillow's errors do not say why a write failed.
                encoded = io.BytesIO()
                file_format = Image.registered_extensions()[extension_of(name)]
                Image.fromarray(picture).save(encoded, file_format, quality=QUALITY)
                with open(os.path.join(partial, name), "wb") as file:
                    file.write(encoded.getvalue())

            yield write

    def check_destination(self, path: str, overwrite: bool) -> None:
        """Raises UserError if the copy cannot or must not be written to the folder `path`.

        An existing folder is replaced only if it contains nothing but pictures with this folder's names.
        """
        if extension_of(path) in (GIF_EXTENSION, *VIDEO_EXTENSIONS):
            raise UserError(f"{path} would be a folder, because {self.path} is one; give --out a folder's name")
        check_destination(path, self.path, overwrite, is_folder=True)
        written = set(map(_written_name, self.names))
        others = sorted(set(os.listdir(path)) - written) if os.path.isdir(path) else []
        if others:
            raise UserError(f"{path} contains {others[0]}, which would be lost; choose another --out")


def advice_on_extensions() -> dict[str, str]:
    """What to do about pictures with each extension before they can be read; "" if they can be read."""
    heic = "" if importlib.util.find_spec("pillow_heif") else INSTALL_HEIC
    avif = "" if features.check("avif") else "install a newer Pillow"
    return {
        **dict.fromkeys(OTHER_EXTENSIONS, SAVE_AS_JPEG),
        **dict.fromkeys(HEIC_EXTENSIONS, heic and f"{heic}, or {SAVE_AS_JPEG}"),
        **dict.fromkeys(AVIF_EXTENSIONS, avif and f"{avif}, or {SAVE_AS_JPEG}"),
        **dict.fromkeys(PICTURE_EXTENSIONS, ""),
    }


def _needs_sandbox(beginning: bytes) -> bool:
    """Whether a file with these first 12 bytes is HEIC or AVIF, whatever its name: ISO/IEC 14496-12, 4.3."""
    return beginning[4:8] == b"ftyp"


def _written_name(name: str) -> str:
    """The name of the copy of a picture."""
    return f"{name}.jpg" if extension_of(name) in HEIC_EXTENSIONS else name


def _named(names: list[str]) -> str:
    more = [f"{len(names) - NAMED} more"] if len(names) > NAMED else []
    return " and ".join([", ".join(names[:NAMED]), *more])


def _natural_order(name: str) -> tuple[list[str | int], str]:
    """Sort key that compares digits by their value."""
    parts = re.split(r"([0-9]+)", name)
    return [int(part) if place % 2 else part for place, part in enumerate(parts)], name
