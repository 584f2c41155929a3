"""A file object for HDF5 and FFmpeg that keeps the error of a full disk; HDF5 alone would crash the process."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer, StrPath


class DeferredErrorFile(io.FileIO):
    """A new file at `path` for h5py or PyAV to write to. Raises OSError if it cannot be created.

    HDF5 cannot recover from a failed write: when it closes the file, it writes its buffers again, fails again, and the
    process crashes. So this file stores the first error, lets that write and all later ones appear to succeed, and
    raises the error in `check`. Call `check` after HDF5 has closed the file, and during long work, to stop early.
    """

    def __init__(self, path: StrPath) -> None:
        super().__init__(path, "w+")
        self._error: OSError | None = None

    def check(self) -> None:
        """Raises the OSError of the first failed write, if there was one."""
        if self._error is not None:
            raise self._error

    def write(self, data: ReadableBuffer, /) -> int:
        unwritten = memoryview(data)
        length = len(unwritten)
        while len(unwritten) and self._error is None:
            try:
                unwritten = unwritten[super().write(unwritten) :]
            except OSError as error:
                self._error = error
        return length

    def truncate(self, size: int | None = None, /) -> int:
        if size is None:
            size = self.tell()
        if self._error is None:
            try:
                return super().truncate(size)
            except OSError as error:
                self._error = error
        return size
