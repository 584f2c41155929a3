"""Says what a file is that was given instead of a pickle, from its first bytes, and how to get the pickle."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from support.user_error import UserError

if TYPE_CHECKING:
    from _typeshed import StrPath

BEGINNING = 512  # bytes that tell what a file is
QUOTED = 60  # characters of a text file
GIVE_THE_PICKLE = "give the course's youtube_train_data.pkl or the .zip that contains it"

# The first bytes of files that people have instead of the pickle: what such a file is, and what to do.
SIGNATURES = (
    (b"\x89HDF", "this is an HDF5 file, not a pickle; a file that this program made needs no conversion"),
    (b"version https://git-lfs", "this is a Git LFS pointer, not the file itself; get the file with: git lfs pull"),
    (b"\x93NUMPY", "this is a single NumPy array; put both arrays in a file with numpy.savez(PATH, frames, labels)"),
    *((start, "this is a compressed file; unpack it and give the .pkl file in it")
      for start in (b"\x1f\x8b", b"BZh", b"\xfd7zXZ", b"7z\xbc\xaf", b"Rar!", b"\x28\xb5\x2f\xfd")),
    (b"%PDF", f"this is a PDF document, not a pickle; {GIVE_THE_PICKLE}"),
)  # fmt: skip
WEB_PAGE = re.compile(rb"(\xef\xbb\xbf)?\s*<(!doctype html|html|head|!--|\?xml)", re.IGNORECASE)
# The names of the parts that archivers and file hosts split a large file into: .zip.001, .z01, .part1, .pkl.aa
NAME_OF_PART = re.compile(r"\.(\d{3}|z\d\d|part\d+|a[a-z])$", re.IGNORECASE)


def check_is_pickle(beginning: bytes) -> None:
    """Raises UserError if a file with these first bytes, BEGINNING of them, is known to be something else."""
    for start, message in SIGNATURES:
        if beginning.startswith(start):
            raise UserError(message)
    if beginning[257:262] == b"ustar":
        raise UserError("this is a tar file; unpack it and give the .pkl file in it")
    if WEB_PAGE.match(beginning):
        raise UserError(
            "this is a web page, not a pickle: the download link led to a page, for example one that asks to sign in; "
            "open the link in a browser and download the file itself"
        )
    text = "".join(map(chr, beginning)).strip()
    if beginning.isascii() and text and all(c.isprintable() or c.isspace() for c in text):
        quoted = " ".join(text.split())[:QUOTED]
        raise UserError(f"this is a text file that begins with {quoted!r}, not a pickle; {GIVE_THE_PICKLE}")


def advice_on_parts(path: StrPath) -> str:
    """What to do if the file at `path` has the name of one part of a split file; otherwise ""."""
    name = os.path.basename(os.fspath(path))
    if not NAME_OF_PART.search(name):
        return ""
    return f"; by its name, {name} is one part of a split file: join all parts, in order, into one file first"
