"""The pixels of a Pillow image of any mode as 8-bit RGB."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageOps

SIXTEEN_BITS = ("I", "I;16", "I;16L", "I;16B", "I;16N")
BACKGROUND = "white"


def rgb_pixels(image: Image.Image) -> np.ndarray:
    """The pixels of a Pillow image, uint8 (height, width, 3).

    The picture is turned upright according to its EXIF orientation, and composed with white where it is transparent. Of
    16-bit values the upper 8 bits are taken. Raises ValueError for pixels of 32 bits, whose white point is unknown.
    """
    image = ImageOps.exif_transpose(image)
    if image.mode in SIXTEEN_BITS:
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
