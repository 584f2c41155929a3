"""Opens untrusted picture files. Anything that Pillow rejects is reported as invalid input."""

from __future__ import annotations

import contextlib
import ctypes
import logging
import os
import stat
import sys
import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING, BinaryIO

from PIL import Image, UnidentifiedImageError

from support.user_error import UserError

if TYPE_CHECKING:
    from _typeshed import StrPath

# Pillow reads forty further formats; for EPS it starts Ghostscript.
PICTURE_FORMATS = ("BMP", "GIF", "JPEG", "PNG", "TIFF", "WEBP")

# For the whole process, because threads that decode pictures share the filters. Everything important is raised below.
warnings.filterwarnings("ignore", module=r"PIL\.")
logging.getLogger("PIL").addHandler(logging.NullHandler())
# Pillow silences libtiff's warnings but not its errors. On Windows, libtiff is inside Pillow's own file.
with contextlib.suppress(AttributeError, OSError):
    ctypes.CDLL(Image.core.__file__).TIFFSetErrorHandler(None)


def open_regular_file(path: StrPath, within: StrPath | None = None) -> BinaryIO:
    """Opens a regular file to read its bytes.

    within: a folder; `path` must not be a link that leads out of it. Raises UserError if it does, or if `path` is a
    device, a pipe, a socket or a folder; it never waits for one. Raises OSError if the file cannot be opened.
    """
    if within is not None:
        folder = os.path.join(os.path.realpath(within), "")
        if not os.path.realpath(path).startswith(folder):
            raise UserError(f"{path} is a link out of its folder; put the file itself there")
    # Before opening, because opening a device may start it.
    _require_regular(path, os.stat(path))
    return open(path, "rb", opener=_opened_without_waiting)


def _require_regular(path: StrPath, status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise UserError(f"{path} is a folder, a device, a pipe or a socket; give a file")


def _opened_without_waiting(path: str, flags: int) -> int:
    # Opening a pipe waits for a writer without this flag. It has no effect on regular files.
    descriptor = os.open(path, flags | getattr(os, "O_NONBLOCK", 0))
    try:
        # Again after opening, because the file may have been replaced.
        _require_regular(path, os.fstat(descriptor))
    except UserError:
        os.close(descriptor)
        raise
    return descriptor


def largest_picture() -> int:
    """The most pixels that a picture may have: Pillow's limit, which guards against decompression bombs."""
    return Image.MAX_IMAGE_PIXELS or sys.maxsize


def require_allowed_size(image: Image.Image) -> None:
    """Raises Pillow's DecompressionBombError if the image has more than largest_picture() pixels."""
    if image.width * image.height > largest_picture():
        raise Image.DecompressionBombError


@contextlib.contextmanager
def opened_picture(
    file: BinaryIO, path: StrPath, formats: tuple[str, ...] = PICTURE_FORMATS, advice: str | None = None
) -> Iterator[Image.Image]:
    """Yields the Pillow image in `file`, which stays open.

    path: names the file in messages. formats: Pillow's names of the formats to try. advice: what to do about a picture
    that cannot be read; the default depends on the reason. Raises UserError if the picture has more than
    largest_picture() pixels, has another format or is damaged. Other Pillow errors in the `with` block become
    UserError. Errors of the operating system pass through.
    """
    try:
        with Image.open(file, formats=formats) as image:
            require_allowed_size(image)
            yield image
    except (UserError, MemoryError):
        raise
    except Image.DecompressionBombError as error:
        raise UserError(
            f"{path} has more than {largest_picture() // 1_000_000} million pixels; scale it down"
        ) from error
    except UnidentifiedImageError as error:
        readable = f"{path} is not a readable picture ({', '.join(formats)})"
        raise UserError(f"{readable}; {advice or 'take it out, or give another copy'}") from error
    except OSError as error:
        # Pillow's own errors have no errno, the operating system's have one.
        if error.errno is not None:
            raise
        raise UserError(f"{path} is damaged: {error}; {advice or 'give a whole copy'}") from error
    # Each format's plugin raises exceptions of its choice.
    except Exception as error:
        reason = str(error) or type(error).__name__
        raise UserError(
            f"{path} cannot be read: {reason}; {advice or 'save it again with 8 bits a channel'}"
        ) from error
