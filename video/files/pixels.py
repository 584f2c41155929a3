"""Converts Pillow images of any mode to RGB."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any

import numpy as np
from PIL import Image, ImageFile, ImageOps

SIXTEEN_BIT_MODES = ("I", "I;16", "I;16L", "I;16B", "I;16N")
# Cameras whose values have this many bits store them in 16 bits, often without saying so.
DEPTHS = (8, 10, 12, 14, 16)
BACKGROUND = "white"  # behind transparent pixels
# Pillow keeps the upper bytes of 16-bit colours. Read in the other byte order, it keeps the lower ones.
OTHER_BYTE_ORDER = {"RGB;16B": "RGB;16L", "RGB;16L": "RGB;16B"}
OTHER_BYTE_ORDER["RGB;16N"] = "RGB;16B" if sys.byteorder == "little" else "RGB;16L"


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
    """The smallest of DEPTHS that holds every 16-bit value of images not loaded yet; 16 if they have none."""
    largest = -1
    for image in images:
        largest = max(largest, _largest_value(image))
        if largest >= 1 << DEPTHS[-2]:
            return DEPTHS[-1]
    return DEPTHS[-1] if largest < 0 else next(bits for bits in DEPTHS if largest < 1 << bits)


def _largest_value(image: Image.Image) -> int:
    """The largest 16-bit value, or an upper bound that takes as many bits if these are more than 8; -1 if none."""
    if image.mode in SIXTEEN_BIT_MODES:
        return int(_sixteen_bit_values(image).max())
    return int(np.asarray(image).max()) << 8 | 0xFF if stores_colours_in_16_bits(image) else -1


def has_sixteen_bit_colours(image: Image.Image) -> bool:
    """Whether the file of an image that is not loaded yet has 16 bits per colour. Pillow keeps the upper 8 of them."""
    return any(";16" in str(tile.args) for tile in getattr(image, "tile", ())) and image.mode not in SIXTEEN_BIT_MODES


def stores_colours_in_16_bits(image: Image.Image) -> bool:
    """Whether use_lower_bytes works for an image that is not loaded yet: not if it has transparent pixels."""
    names = [_raw_mode(tile.args) for tile in getattr(image, "tile", ())]
    return bool(names) and all(name in OTHER_BYTE_ORDER for name in names)


def use_lower_bytes(image: Image.Image) -> None:
    """Makes an image that is not loaded yet have the lower 8 bits of its 16-bit colours instead of the upper ones."""
    assert isinstance(image, ImageFile.ImageFile)
    for number, tile in enumerate(image.tile):
        name = OTHER_BYTE_ORDER[_raw_mode(tile.args)]
        args = (name, *tile.args[1:]) if isinstance(tile.args, tuple) else name
        image.tile[number] = tile._replace(args=args)


def _raw_mode(args: Any) -> str:
    """Pillow's name for the way in which pixels are stored in a file."""
    return str(args[0] if isinstance(args, tuple) and args else args)


def scaled_colours(upper: np.ndarray, lower: np.ndarray, bits: int) -> np.ndarray:
    """The upper 8 of the lower `bits` of 16-bit values, uint8; upper, lower: their bytes, uint8 of the same shape."""
    return ((upper.astype(np.uint16) << 8 | lower) >> (bits - 8)).astype(np.uint8)


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
