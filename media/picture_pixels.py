"""The pixels of a Pillow image of any mode as 8-bit RGB."""

import contextlib
import struct
import warnings

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from command_line.user_error import UserError

SIXTEEN_BITS = ("I", "I;16", "I;16L", "I;16B", "I;16N")
BACKGROUND = "white"


def rgb_pixels(image):
    """uint8 (height, width, 3) of a Pillow image: upright, as its EXIF says, and on white where it is transparent.

    Of 16 bits the upper eight are taken. Raises ValueError where the pixels are floats, whose white is unknown.
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


@contextlib.contextmanager
def user_errors_of_pictures(path):
    """Raises UserError in place of what Pillow raises where the file at `path` holds no picture, or a damaged one."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            yield
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        largest = Image.MAX_IMAGE_PIXELS // 1_000_000
        raise UserError(f"{path} has more than {largest} million pixels; scale it down") from error
    except UnidentifiedImageError as error:
        raise UserError(f"{path} is no picture that can be read; take it out, or give another copy") from error
    except (ValueError, SyntaxError, EOFError, IndexError, struct.error) as error:
        raise UserError(f"{path} cannot be read: {error}; save it again with 8 bits a channel") from error
    except OSError as error:
        # Pillow's own complaints have no number; the operating system's have.
        if error.errno is not None:
            raise
        raise UserError(f"{path} is damaged: {error}; give a whole copy") from error
