"""Says what a file is that was given instead of a pickle, from its first and last bytes, and how to get the pickle."""

from __future__ import annotations

import codecs
import os
import re
from typing import TYPE_CHECKING, BinaryIO

from support.user_error import UserError

if TYPE_CHECKING:
    from _typeshed import StrPath

BEGINNING = 512  # bytes that tell what a file is
# The record that ends a zip file, before a comment: PKWARE's APPNOTE.TXT, 4.3.16.
END_OF_ZIP, LENGTH_OF_END = b"PK\5\6", 22
LONGEST_ENDING = LENGTH_OF_END + 0xFFFF
QUOTED = 60  # characters of a text file
GIVE_THE_PICKLE = "give the course's youtube_train_data.pkl or the .zip that contains it"

# The first bytes of files that people have instead of the pickle: what such a file is, and what to do.
SIGNATURES = (
    (b"\x89HDF", "this is an HDF5 file, not a pickle; a file that this program made needs no conversion"),
    (b"\x93NUMPY", "this is a single NumPy array; put both arrays in a file with numpy.savez(PATH, frames, labels)"),
    *((start, "this is a compressed file; unpack it and give the .pkl file in it")
      for start in (b"\x1f\x8b", b"BZh", b"\xfd7zXZ", b"7z\xbc\xaf", b"Rar!", b"\x28\xb5\x2f\xfd")),
    (b"%PDF", f"this is a PDF document, not a pickle; {GIVE_THE_PICKLE}"),
)  # fmt: skip
LFS_POINTER = "version https://git-lfs"
WEB_PAGE = re.compile(r"<(!--|[!?]?[a-z])", re.IGNORECASE)
JOIN_PARTS = "join all parts, in order, into one file first"
# Joined, such parts are not a zip file: each states its number and positions in the others.
UNPACK_PARTS = "unpack all parts together, for example with 7-Zip, and give the .pkl file in them"
# The names of the parts that archivers and file hosts split a large file into: .zip.001, .z01, .part1, .pkl.aa
NAME_OF_PART = re.compile(r"\.(\d{3}|z\d\d|part\d+|a[a-z])$", re.IGNORECASE)


def check_is_pickle(beginning: bytes) -> None:
    """Raises UserError if a file with these first bytes, BEGINNING of them, is known to be something else."""
    for start, message in SIGNATURES:
        if beginning.startswith(start):
            raise UserError(message)
    if beginning[257:262] == b"ustar":
        raise UserError("this is a tar file; unpack it and give the .pkl file in it")
    text = _text(beginning)
    if text.startswith(LFS_POINTER):
        raise UserError("this is a Git LFS pointer, not the file itself; get the file with: git lfs pull")
    if WEB_PAGE.match(text):
        raise UserError(
            "this is a web page, not a pickle: the download link led to a page, for example one that asks to sign in; "
            "open the link in a browser and download the file itself"
        )
    if text:
        quoted = " ".join(text.split())[:QUOTED]
        raise UserError(f"this is a text file that begins with {quoted!a}, not a pickle; {GIVE_THE_PICKLE}")
    if len(beginning) == BEGINNING and not any(beginning):
        raise UserError("this file begins with zeros, like an incomplete download; download it again")


def _text(beginning: bytes) -> str:
    """The text that a file begins with, without spaces around it; "" if it is not text."""
    is_wide = beginning.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    text = beginning.decode("utf-16" if is_wide else "utf-8-sig", errors="replace").strip()
    # Texts in older encodings have a few bytes that are not UTF-8.
    is_readable = text.count("\N{REPLACEMENT CHARACTER}") <= len(text) / 10
    return text if is_readable and all(c.isprintable() or c.isspace() for c in text) else ""


def check_is_not_last_part(file: BinaryIO) -> None:
    """Raises UserError if a file that is not a zip file ends like one, as the last part of a split zip file does."""
    file.seek(max(0, file.seek(0, os.SEEK_END) - LONGEST_ENDING))
    ending = file.read(LONGEST_ENDING)
    start = ending.rfind(END_OF_ZIP)
    record = ending[start : start + LENGTH_OF_END]
    if start < 0 or start + LENGTH_OF_END + int.from_bytes(record[20:22], "little") != len(ending):
        return
    has_numbered_parts = any(record[4:6])
    raise UserError(f"this is the last part of a split zip file; {UNPACK_PARTS if has_numbered_parts else JOIN_PARTS}")


def advice_on_parts(path: StrPath) -> str:
    """What to do if the file at `path` has the name of one part of a split file; otherwise ""."""
    name = os.path.basename(os.fspath(path))
    found = NAME_OF_PART.search(name)
    if not found:
        return ""
    advice = UNPACK_PARTS if found[1][0] in "zZ" else JOIN_PARTS
    return f"; by its name, {name} is one part of a split file: {advice}"
