"""The pixels of a Pillow image of any mode as 8-bit RGB."""

from __future__ import annotations

import contextlib
import struct
import sys
import warnings
from collections.abc import Iterator

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from command_line.user_error import UserError

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


def largest_picture() -> int:
    """How many pixels a picture may have: Pillow's limit, which guards against decompression bombs."""
    return Image.MAX_IMAGE_PIXELS or sys.maxsize


@contextlib.contextmanager
def user_errors_of_pictures(path: str) -> Iterator[None]:
    """Raises UserError in place of what Pillow raises where the file at `path` is no picture, or a damaged one."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            yield
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise UserError(
            f"{path} has more than {largest_picture() // 1_000_000} million pixels; scale it down"
        ) from error
    except UnidentifiedImageError as error:
        raise UserError(f"{path} is no picture that can be read; take it out, or give another copy") from error
    except (ValueError, SyntaxError, EOFError, IndexError, struct.error) as error:
        raise UserError(f"{path} cannot be read: {error}; save it again with 8 bits a channel") from error
    except OSError as error:
        # Pillow's own errors have no errno, the operating system's have one.
        if error.errno is not None:
            raise
        raise UserError(f"{path} is damaged: {error}; give a whole copy") from error
