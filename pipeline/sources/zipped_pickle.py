"""Unpacks the only file in a zip file while it is read, in limited memory and time whatever the zip file claims.

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
from typing import BinaryIO, cast

from support.user_error import UserError

# zipfile reads the list of files at once; a megabyte holds about 20,000 names. By default it seeks in steps of 16 MB,
# which take 50 MB of memory.
LARGEST_READ = 1 << 20
# The highest compression ratio of deflate, https://zlib.net/zlib_tech.html.
LARGEST_RATIO = 1032


@contextlib.contextmanager
def unzipped(file: BinaryIO) -> Iterator[tuple[zipfile.ZipExtFile, int, Callable[[], None]]]:
    """Yields the only file in a zip file, seekable; its length in bytes; a function that checks its checksum.

    Folders and the files that macOS adds are ignored. Raises UserError if the zip file is damaged, is encrypted or does
    not contain exactly one file: on entry, while it is read, or when its checksum is checked.
    """
    try:
        archive, member = _open_archive(file)
        with archive, cast("zipfile.ZipExtFile", archive.open(member)) as unpacked:
            unpacked.MAX_SEEK_READ = LARGEST_READ
            yield unpacked, member.file_size, lambda: _check_checksum(archive, member)
    except (zipfile.BadZipFile, zlib.error, EOFError):
        raise UserError("the zip file is damaged or cut short; download or copy it again") from None


def _open_archive(file: BinaryIO) -> tuple[zipfile.ZipFile, zipfile.ZipInfo]:
    """The archive and its only file. zipfile reports damage by exceptions of many types."""
    try:
        archive = zipfile.ZipFile(_BoundedReads(file))
        member = _only_member(archive)
        archive.open(member).close()
    except NotImplementedError:
        raise _unsupported() from None
    except (OSError, ValueError, LookupError, OverflowError) as error:
        raise zipfile.BadZipFile from error
    return archive, member


def _only_member(archive: zipfile.ZipFile) -> zipfile.ZipInfo:
    members = [
        member for member in archive.infolist() if not member.is_dir() and not member.filename.startswith("__MACOSX/")
    ]
    if len(members) != 1:
        raise UserError(f"the zip file contains {len(members)} files, not one pickle; unpack it and give the .pkl file")
    [member] = members
    if member.flag_bits & 1 or member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise _unsupported()
    ratio = 1 if member.compress_type == zipfile.ZIP_STORED else LARGEST_RATIO
    if member.file_size > ratio * member.compress_size:
        raise UserError(
            f"the zip file claims that {member.compress_size} of its bytes unpack to {member.file_size}, which is "
            "impossible; download or copy it again"
        )
    return member


def _unsupported() -> UserError:
    return UserError("the zip file is encrypted or uses an unusual compression; unpack it and give the .pkl file")


def _check_checksum(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> None:
    # In a separate pass, because since Python 3.12 seeking in an uncompressed file turns off zipfile's own check.
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
