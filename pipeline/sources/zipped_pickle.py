"""Unpacks a pickle or NumPy arrays in a zip file while they are read, in limited memory whatever the zip file claims.

Nothing is written to disk, so names in the zip file cannot do harm. No more is unpacked than the size that the zip file
states, and a size that its compressed bytes cannot unpack to is refused before anything is unpacked.

`zipfile` has no such limits. `stream-unzip` was considered: it works in bounded memory but cannot seek, and the pickle
is read in two passes.
"""

from __future__ import annotations

import contextlib
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import BinaryIO, cast

from support.user_error import UserError

# zipfile reads the list of files at once; a megabyte holds about 20,000 names. By default it seeks in steps of 16 MB,
# which take 50 MB of memory.
LARGEST_READ = 1 << 20
# The highest compression ratio of deflate, https://zlib.net/zlib_tech.html.
LARGEST_RATIO = 1032
MOST_ARRAYS = 20


ARRAY_EXTENSION = ".npy"


@dataclass(frozen=True)
class UnzippedFile:
    """A file in a zip file, open."""

    name: str
    file: zipfile.ZipExtFile  # seekable
    size: int  # in bytes


@contextlib.contextmanager
def unzipped(file: BinaryIO) -> Iterator[tuple[list[UnzippedFile], Callable[[], None]]]:
    """Yields the only file in a zip file, or all if they are arrays; and a function that checks their checksums.

    Folders and the files that macOS adds are ignored. Raises UserError if the zip file is damaged, is encrypted or does
    not contain exactly one file or only ARRAY_EXTENSION files: on entry, while it is read, or when its checksums are
    checked.
    """
    try:
        archive, members = _open_archive(file)
        with archive, contextlib.ExitStack() as open_files:
            unpacked = []
            for member in members:
                opened = open_files.enter_context(cast("zipfile.ZipExtFile", archive.open(member)))
                opened.MAX_SEEK_READ = LARGEST_READ
                unpacked.append(UnzippedFile(member.filename, opened, member.file_size))
            yield unpacked, lambda: _check_checksums(archive, members)
    except (zipfile.BadZipFile, zlib.error, EOFError):
        raise UserError(
            "the zip file is damaged or cut short, or one part of several; download or copy it again, or join the parts"
        ) from None


def _open_archive(file: BinaryIO) -> tuple[zipfile.ZipFile, list[zipfile.ZipInfo]]:
    """The archive and the files in it that may be opened. zipfile reports damage by exceptions of many types."""
    try:
        archive = zipfile.ZipFile(_BoundedReads(file))
        members = _checked_members(archive)
        for member in members:
            archive.open(member).close()
    except NotImplementedError:
        raise _unsupported() from None
    except (OSError, ValueError, LookupError, OverflowError) as error:
        raise zipfile.BadZipFile from error
    return archive, members


def _checked_members(archive: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    members = [
        member for member in archive.infolist() if not member.is_dir() and not member.filename.startswith("__MACOSX/")
    ]
    are_arrays = 1 < len(members) <= MOST_ARRAYS and all(m.filename.endswith(ARRAY_EXTENSION) for m in members)
    if len(members) != 1 and not are_arrays:
        raise UserError(f"the zip file contains {len(members)} files, not one pickle; unpack it and give the .pkl file")
    for member in members:
        if member.flag_bits & 1 or member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise _unsupported()
        ratio = 1 if member.compress_type == zipfile.ZIP_STORED else LARGEST_RATIO
        if member.file_size > ratio * member.compress_size:
            raise UserError(
                f"the zip file claims that {member.compress_size} of its bytes unpack to {member.file_size}, which is "
                "impossible; download or copy it again"
            )
    return members


def _unsupported() -> UserError:
    return UserError("the zip file is encrypted or uses an unusual compression; unpack it and give the .pkl file")


def _check_checksums(archive: zipfile.ZipFile, members: list[zipfile.ZipInfo]) -> None:
    # In a separate pass, because since Python 3.12 seeking in an uncompressed file turns off zipfile's own check.
    for member in members:
        with archive.open(member) as unpacked:
            while unpacked.read(LARGEST_READ):
                pass


class _BoundedReads:
    """A binary file that raises BadZipFile when more than LARGEST_READ bytes are read at once."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.seek, self.tell, self.seekable = file.seek, file.tell, file.seekable

    def read(self, length: int = -1) -> bytes:
        data = self._file.read(length if 0 <= length <= LARGEST_READ else LARGEST_READ + 1)
        if len(data) > LARGEST_READ:
            raise zipfile.BadZipFile
        return data
