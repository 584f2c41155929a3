"""Converts Pillow images of any mode to RGB."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from PIL import Image, ImageOps

SIXTEEN_BIT_MODES = ("I", "I;16", "I;16L", "I;16B", "I;16N")
# Cameras whose values have this many bits store them in 16 bits, often without saying so.
DEPTHS = (8, 10, 12, 14, 16)
BACKGROUND = "white"  # behind transparent pixels


def rgb_pixels(image: Image.Image, bits: int = 16) -> np.ndarray:
    """Converts an image to RGB pixels, uint8 (height, width, 3).

    The picture is turned upright according to its EXIF orientation. Transparent pixels are composed with white. The
    upper 8 of 16-bit pixels are kept, or of the lower `bits`. Raises ValueError for 32-bit pixels, whose white point is
    unknown.
    """
    image = ImageOps.exif_transpose(image)
    if image.mode in SIXTEEN_BIT_MODES:
        return np.repeat((_sixteen_bit_values(image) >> (bits - 8)).astype(np.uint8)[..., None], 3, axis=2)
    if image.mode == "F":
        raise ValueError("pixels of 32 bits")
    if image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, BACKGROUND), image)
    return np.asarray(image.convert("RGB"))


def bits_in_use(images: Iterable[Image.Image]) -> int:
    """The smallest of DEPTHS that holds every 16-bit pixel of the images; 16 if they have no such pixels."""
    largest = [int(_sixteen_bit_values(image).max()) for image in images if image.mode in SIXTEEN_BIT_MODES]
    return next(bits for bits in DEPTHS if max(largest, default=0xFFFF) < 1 << bits)


def has_sixteen_bit_colours(image: Image.Image) -> bool:
    """Whether the file of an image that is not loaded yet has 16 bits per colour. Pillow keeps the upper 8 of them."""
    return any(";16" in str(tile.args) for tile in getattr(image, "tile", ())) and image.mode not in SIXTEEN_BIT_MODES


def warning_of_dark_colours(path: str, brightest: int) -> list[str]:
    """A warning if the upper 8 bits of all 16-bit colours in the pictures at `path` are at most `brightest`, a few."""
    bits = 8 + brightest.bit_length()
    if bits > DEPTHS[-2]:
        return []
    return [f"{path}: the 16-bit colours take only {bits} bits, so they are dark; save them with 8 bits a channel"]


def warning_of_bits(path: str, bits: int) -> list[str]:
    """A warning if fewer than 16 bits are in use in the pictures at `path`."""
    if bits == 16:
        return []
    return [f"{path}: no value of the 16-bit pictures takes more than {bits} bits, so {2**bits - 1} is shown as white"]


def _sixteen_bit_values(image: Image.Image) -> np.ndarray:
    values = np.asarray(image)
    if values.min() < 0 or values.max() > 0xFFFF:
        raise ValueError("pixels of 32 bits")
    return values
