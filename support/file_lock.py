"""A lock on an open file, which the operating system releases when the process ends, however it ends.

`filelock` was considered: it opens the path itself and truncates the file, so it must not be pointed at a file that
another process may be writing. `portalocker` locks open files as this module does, but needs pywin32 on Windows.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from typing import IO, TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from _typeshed import StrPath

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

# Windows does not rename or remove a file that is open, and a lock on it keeps out all other handles.
CAN_LOCK_WHILE_WRITING = sys.platform != "win32"


def lock(file: IO[bytes] | IO[str]) -> None:
    """Locks a file that is open for writing, until it is closed.

    Raises BlockingIOError if another process has locked it, other OSErrors where the file system has no locks.
    """
    if sys.platform == "win32":
        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        except PermissionError as error:
            raise BlockingIOError(*error.args) from error
    else:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


@contextlib.contextmanager
def locked_file(path: StrPath) -> Iterator[None]:
    """Creates the file `path`, or takes one that a killed process left, locks it, and removes it at the end.

    Errors are those of `lock`, and OSError where the file cannot be created.
    """
    with _open_locked(path):
        try:
            yield
        finally:
            # While it is locked: afterwards it may be another's. Windows keeps what is open.
            with contextlib.suppress(OSError):
                os.remove(path)


def _open_locked(path: StrPath) -> BinaryIO:
    """The open file with a lock on it; one that was removed by its last holder as we opened it does not count."""
    while True:
        file = open(path, "ab")  # noqa: SIM115
        try:
            lock(file)
            if os.path.samestat(os.fstat(file.fileno()), os.stat(path)):
                return file
        except FileNotFoundError:
            pass
        except BlockingIOError:
            file.close()
            raise
        except BaseException:
            file.close()
            os.remove(path)
            raise
        file.close()
