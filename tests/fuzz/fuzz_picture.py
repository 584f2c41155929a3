"""Fuzzes the reading of pictures in all formats that the commands take, and of GIFs frame by frame.

A picture must either be refused with a UserError or give its pixels. The checksums of PNG files are put right.
"""

import contextlib
import io
import itertools
import os
import random
import struct
import tempfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import atheris
import numpy as np

with atheris.instrument_imports(
    include=["support.picture", "video.files.animated_picture", "video.files.pixels", "PIL"]
):
    from PIL import Image

    from support.picture import PICTURE_FORMATS, opened_picture
    from support.user_error import UserError
    from video.files.animated_picture import AnimatedPicture
    from video.files.pixels import rgb_pixels

from tests.fuzz.fuzzer import fuzz

PNG = b"\x89PNG\r\n\x1a\n"
CHUNK = struct.Struct(">I4s")
# Most of a picture of the largest size would be spent on pixels.
LARGEST = 1 << 16
MOST_FRAMES = 100
ORIENTATION = 0x112
MODES = {
    "BMP": ("1", "L", "P", "RGB", "RGBA"),
    "GIF": ("1", "L", "P", "RGB", "RGBA"),
    "JPEG": ("L", "RGB", "CMYK"),
    "PNG": ("1", "L", "LA", "P", "RGB", "RGBA", "I;16"),
    "TIFF": ("1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "LAB", "I;16", "I", "F"),
    "WEBP": ("RGB", "RGBA"),
}
OPTIONS: dict[str, tuple[dict[str, Any], ...]] = {
    "BMP": ({},),
    "GIF": ({}, {"transparency": 1}, {"interlace": 1}),
    "JPEG": ({}, {"progressive": True}),
    "PNG": ({}, {"transparency": 0}),
    "TIFF": ({}, {"compression": "tiff_lzw"}, {"compression": "packbits"}, {"compression": "tiff_adobe_deflate"}),
    "WEBP": ({}, {"lossless": True}),
}
assert set(MODES) == set(OPTIONS) == set(PICTURE_FORMATS)


def write_corpus(folder: Path) -> None:
    generator = np.random.default_rng(0)
    pixels = Image.fromarray(generator.integers(0, 256, (6, 9, 3), np.uint8))
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    for file_format, modes in MODES.items():
        for mode in modes:
            image = pixels.convert("L").convert(mode) if mode in ("I;16", "I", "F", "LA") else _converted(pixels, mode)
            for number, options in enumerate(OPTIONS[file_format]):
                if "transparency" in options and mode not in ("L", "P"):
                    continue
                if file_format in ("JPEG", "PNG", "TIFF", "WEBP"):
                    options = {**options, "exif": exif.tobytes()}
                path = folder / f"{file_format}_{mode.replace(';', '_')}_{number}"
                image.save(path, file_format, **options)
                read(path.read_bytes(), to_rgb)
    first, second = pixels, pixels.rotate(180)
    for file_format in ("GIF", "WEBP", "PNG", "TIFF"):
        path = folder / f"{file_format}_animated"
        first.save(path, file_format, save_all=True, append_images=[second, first], duration=[40, 80, 10])


def _converted(image: Image.Image, mode: str) -> Image.Image:
    return Image.merge("LAB", image.split()) if mode == "LAB" else image.convert(mode)


def change_bytes(contents: bytes, largest_input: int, seed: int) -> bytes:
    """Changes bytes; of what is still a PNG file, the checksums are then put right, in three cases of four."""
    changed = atheris.Mutate(contents, largest_input)
    if not changed.startswith(PNG) or random.Random(seed).random() < 0.25:
        return changed
    fixed, place = bytearray(changed), len(PNG)
    while place + CHUNK.size + 4 <= len(fixed):
        size, _ = CHUNK.unpack_from(fixed, place)
        end = place + CHUNK.size + size
        if end + 4 > len(fixed):
            break
        struct.pack_into(">I", fixed, end, zlib.crc32(fixed[place + 4 : end]))
        place = end + 4
    return bytes(fixed)


def read(contents: bytes, pixels_of: Callable[[Image.Image], np.ndarray]) -> None:
    with opened_picture(io.BytesIO(contents), "picture") as image:
        pixels = pixels_of(image)
    _check_pixels(pixels)


def read_frames(contents: bytes) -> None:
    with tempfile.NamedTemporaryFile(dir="/dev/shm" if os.path.isdir("/dev/shm") else None) as file:
        file.write(contents)
        file.flush()
        for frame in itertools.islice(AnimatedPicture(file.name).frames(), MOST_FRAMES):
            _check_pixels(frame.picture)
            assert frame.seconds is not None and frame.seconds >= 0
            assert frame.milliseconds is not None and frame.milliseconds >= 0


def _check_pixels(pixels: np.ndarray) -> None:
    assert pixels.dtype == np.uint8 and pixels.ndim == 3 and pixels.shape[2] == 3 and 0 < pixels.size <= 3 * LARGEST


def to_rgb(image: Image.Image) -> np.ndarray:
    """As the pictures of a data set become pixels."""
    return np.asarray(image.convert("RGB"))


def check(contents: bytes) -> None:
    for pixels_of in (rgb_pixels, to_rgb):
        with contextlib.suppress(UserError):
            read(contents, pixels_of)
    if contents.startswith(b"GIF"):
        with contextlib.suppress(UserError):
            read_frames(contents)


if __name__ == "__main__":
    Image.MAX_IMAGE_PIXELS = LARGEST
    fuzz(check, write_corpus, largest_input=4000, custom_mutator=change_bytes)
