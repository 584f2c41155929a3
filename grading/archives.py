"""Unpacks strangers' zip and tar archives: only regular files, into one folder, within limits of size and number."""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
import re
import shutil
import stat
import tarfile
import zipfile
from collections.abc import Callable, Iterable
from typing import IO, Any, cast

from support.machine_errors import is_machine_trouble
from support.user_error import UserError

ENDINGS = re.compile(r"\.(zip|tar|tgz|tbz2?|txz|tar\.(gz|bz2|xz)|rar|7z|gz)$", re.IGNORECASE)
BYTES_PER_READ = 1 << 20
_DECOMPRESSORS: dict[bytes, Callable[[str], Any]] = {
    b"\x1f\x8b": gzip.GzipFile,
    b"BZh": bz2.BZ2File,
    b"\xfd7zXZ": lzma.LZMAFile,
}
_UNSUPPORTED = {b"Rar!": "a RAR archive", b"7z\xbc\xaf": "a 7-Zip archive"}
# Headers of members, which count no files.
TAR_OVERHEAD = 100_000_000


class Budget:
    """What may still be unpacked of one submission, over all of its archives."""

    def __init__(self, files: int, size: int) -> None:
        self.files, self.size = files, size
        self._files_left, self._size_left = files, size

    def take(self, path: str, sizes: Iterable[int]) -> None:
        """Subtracts files of these sizes in bytes; raises UserError if there are too many or they are too large."""
        for size in sizes:
            self._files_left -= 1
            self._size_left -= size
        if self._files_left < 0:
            raise UserError(f"{path} has more than {self.files} files; hand in only the model")
        if self._size_left < 0:
            raise self.too_large(path)

    def too_large(self, path: str) -> UserError:
        return UserError(f"{path} unpacks to more than {self.size / 1e9:g} GB; hand in only the model")


def is_archive(name: str) -> bool:
    """Whether the ending of a file name is that of an archive, also of a kind that cannot be opened."""
    return ENDINGS.search(name) is not None


def stem_of(name: str) -> str:
    """The name of an archive without its ending."""
    return ENDINGS.sub("", name)


def member_names(path: str) -> list[str]:
    """The paths of the files in a zip; empty if it is no zip or is damaged."""
    try:
        with zipfile.ZipFile(path) as archive:
            return [_slashes(member.filename) for member in archive.infolist() if not member.is_dir()]
    except Exception:  # as in unpack
        return []


def unpack(path: str, folder: str, budget: Budget) -> None:
    """Unpacks the regular files of an archive; nothing is written outside the existing folder.

    The kind of archive is determined by its contents. Raises UserError if the archive is damaged, encrypted, of another
    kind, or exceeds the budget; OSError if the machine is at fault, such as for a full disk.
    """
    try:
        with open(path, "rb") as file:
            start = file.read(265)
        for signature, kind in _UNSUPPORTED.items():
            if start.startswith(signature):
                raise UserError(f"{path} is {kind}, which cannot be opened; unpack it and zip its contents")
        decompress = next((one for signature, one in _DECOMPRESSORS.items() if start.startswith(signature)), None)
        if decompress is not None or start[257:262] == b"ustar":
            with decompress(path) if decompress else open(path, "rb") as stream:
                _unpack_tar(path, stream, folder, budget)
        else:
            _unpack_zip(path, folder, budget)
    except UserError:
        raise
    except Exception as error:
        if isinstance(error, MemoryError) or (isinstance(error, OSError) and is_machine_trouble(error)):
            raise
        # zipfile, tarfile, zlib, lzma and bz2 report damage with many different exceptions.
        raise UserError(f"{path} cannot be unpacked: {error}; pack it again") from error


def _unpack_zip(path: str, folder: str, budget: Budget) -> None:
    with zipfile.ZipFile(path) as archive:
        members = [member for member in archive.infolist() if not member.is_dir() and not _is_link(member)]
        # Extraction stops at the size in the zip's directory, so the sizes bound what is written.
        budget.take(path, (member.file_size for member in members))
        for member in members:
            member.filename = _slashes(member.filename)
            archive.extract(member, folder)  # removes "..", drives and leading slashes


def _unpack_tar(path: str, stream: IO[bytes], folder: str, budget: Budget) -> None:
    limited = cast(IO[bytes], _LimitedStream(path, stream, budget))
    with tarfile.open(fileobj=limited, mode="r|") as archive:
        for member in archive:
            if not member.isfile():
                continue
            budget.take(path, [member.size])
            parts = [part for part in _slashes(member.name).split("/") if part not in ("", ".", "..")]
            contents = archive.extractfile(member)
            if parts and contents is not None:
                target = os.path.join(folder, *parts)
                os.makedirs(os.path.dirname(target), exist_ok=True)
                with open(target, "wb") as file:
                    shutil.copyfileobj(contents, file, BYTES_PER_READ)


class _LimitedStream:
    """Reads from a stream, up to a limit: members that are skipped can decompress to any size."""

    def __init__(self, path: str, stream: IO[bytes], budget: Budget) -> None:
        self._path, self._stream, self._budget = path, stream, budget
        self._left = budget.size + TAR_OVERHEAD

    def read(self, size: int) -> bytes:
        contents = self._stream.read(size)
        self._left -= len(contents)
        if self._left < 0:
            raise self._budget.too_large(self._path)
        return contents


def _is_link(member: zipfile.ZipInfo) -> bool:
    return stat.S_ISLNK(member.external_attr >> 16)


def _slashes(name: str) -> str:
    """Old Windows programs separate folders with backslashes."""
    return name.replace("\\", "/")
