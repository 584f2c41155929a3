"""Checks the destination of a result before the work on it begins, and locks it against other processes.

The package filelock opens the path itself and truncates the file, so it cannot lock a file that another process may be
writing. portalocker locks open files, as this module does, but needs pywin32 on Windows.
"""

from __future__ import annotations

import contextlib
import errno
import functools
import os
import stat
import sys
from collections.abc import Iterator
from typing import IO, TYPE_CHECKING, BinaryIO

from support.user_error import UserError, print_warning

if TYPE_CHECKING:
    from _typeshed import StrPath

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

# Windows cannot rename or remove an open file, and a lock on it keeps out all other handles.
CAN_LOCK_WHILE_WRITING = sys.platform != "win32"

# Error numbers of file systems without locks.
WITHOUT_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSUP, errno.EINVAL)


def check_destination(path: StrPath, source: StrPath, overwrite: bool, is_folder: bool = False) -> None:
    """Raises UserError if a file, or folder, at `path` cannot or must not be written.

    source: the path of the input, which is never overwritten. overwrite: whether another file or folder at `path` may
    be overwritten. Devices, pipes and sockets never are.
    """
    check_is_no_device(path)
    folder = os.path.dirname(os.path.abspath(path))
    if not os.path.isdir(folder):
        raise UserError(f"{folder} is not a folder; create it or choose another destination")
    if os.path.isdir(path) and not is_folder:
        raise UserError(f"{path} is a folder; give the name of a file")
    if os.path.exists(path):
        if os.path.samefile(source, path):
            raise UserError(f"{path} is the source itself; give another destination")
        if not overwrite:
            raise UserError(f"{path} exists; give another destination, or --overwrite to replace it")
        if is_folder and not os.path.isdir(path):
            raise UserError(f"{path} is a file; give the name of a folder")
    if not os.access(folder, os.W_OK):
        raise UserError(f"{folder} is not writable; choose another destination")


def check_is_no_device(path: StrPath) -> None:
    """Raises UserError if `path` is a device, a pipe or a socket, or a link to one.

    Replacing it would take it away from all programs on the machine.
    """
    if not os.path.exists(path):
        return
    mode = os.stat(path).st_mode
    if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
        raise UserError(f"{path} is a device, a pipe or a socket; give the name of a file or folder")


def make_folder(path: StrPath) -> None:
    """Makes a folder and its parents, unless they exist. Raises OSError, or UserError if the file system takes none.

    In system folders such as /proc, the operating system's error would read as if a path were missing.
    """
    try:
        os.makedirs(path, exist_ok=True)
    except FileNotFoundError:
        raise UserError(f"no folder can be made at {os.fspath(path)}; choose another place") from None


@contextlib.contextmanager
def claimed_destination(path: StrPath, source: StrPath, overwrite: bool) -> Iterator[None]:
    """Checks the file `path`, as check_destination does, and claims it inside the `with`, as `claimed` does."""
    check_destination(path, source, overwrite)
    with claimed(path):
        # Another process may have written it since the check.
        check_destination(path, source, overwrite)
        yield


@contextlib.contextmanager
def claimed(path: StrPath) -> Iterator[None]:
    """Locks a file beside `path` inside the `with`, as `locked_file` does.

    Raises UserError if another process has locked it.
    """
    folder, name = os.path.split(os.path.abspath(path))
    with contextlib.ExitStack() as locks:
        try:
            locks.enter_context(locked_file(os.path.join(folder, f".{name}.lock")))
        except BlockingIOError:
            raise UserError(f"another command is writing {path}; wait for it to end, or give another name") from None
        yield


@contextlib.contextmanager
def locked_file(path: StrPath) -> Iterator[None]:
    """Creates the file `path`, or takes over one that a killed process left; locks it, and removes it at the end.

    On file systems without locks, it warns and keeps no other process out. Raises BlockingIOError if another process
    has locked the file, and OSError if it cannot be created.
    """
    try:
        file = _open_locked(path)
    except OSError as error:
        if error.errno not in WITHOUT_LOCKS:
            raise
        _warn_of_missing_locks()
        yield
        return
    with file:
        try:
            yield
        finally:
            # While it is locked: afterwards another process may have locked it. Windows keeps open files.
            with contextlib.suppress(OSError):
                os.remove(path)


@functools.cache
def _warn_of_missing_locks() -> None:
    """Prints a warning, once."""
    print_warning(
        "this file system has no locks, so two commands that write to the same place at once would not notice it"
    )


def lock(file: IO[bytes] | IO[str]) -> None:
    """Locks a file that is open for writing until it is closed. A lock also ends with its process.

    Raises BlockingIOError if another process has locked it, another OSError on file systems without locks.
    """
    if sys.platform == "win32":
        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        except PermissionError as error:
            raise BlockingIOError(*error.args) from error
    else:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _open_locked(path: StrPath) -> BinaryIO:
    """Opens and locks the file; starts again if its last holder removed it in between."""
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
