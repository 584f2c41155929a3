"""Checks the destination of a result before the work on it begins, and keeps others from writing it meanwhile."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Iterator
from typing import TYPE_CHECKING

from support.file_lock import locked_file
from support.user_error import UserError

if TYPE_CHECKING:
    from _typeshed import StrPath

# What the operating systems say where a file system has no locks.
WITHOUT_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL)


def check_destination(path: StrPath, source: StrPath, overwrite: bool, is_folder: bool = False) -> None:
    """Raises UserError if a file, or folder, at `path` cannot or must not be written.

    source: the path of the input, which is never overwritten. overwrite: whether another file or folder at `path` may
    be. A device, a pipe or a socket never is.
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
        raise UserError(f"{folder} cannot be written; choose another destination")


def make_folder(path: StrPath) -> None:
    """Makes a folder and those above it, unless it exists. Raises UserError where the file system takes none, OSError.

    In the system's own folders, such as /proc, that error reads as if a path were missing.
    """
    try:
        os.makedirs(path, exist_ok=True)
    except FileNotFoundError:
        raise UserError(f"no folder can be made at {os.fspath(path)}; choose another place") from None


@contextlib.contextmanager
def claimed_destination(path: StrPath, source: StrPath, overwrite: bool) -> Iterator[None]:
    """Checks the file `path` as check_destination does, and claims it until the end as `claimed` does."""
    check_destination(path, source, overwrite)
    with claimed(path):
        # Another process may have written it since.
        check_destination(path, source, overwrite)
        yield


@contextlib.contextmanager
def claimed(path: StrPath) -> Iterator[None]:
    """Keeps all other processes that claim `path` out until the end, by a locked file beside it.

    Raises UserError where another process has claimed it. On a file system without locks nobody is kept out.
    """
    folder, name = os.path.split(os.path.abspath(path))
    with contextlib.ExitStack() as locks:
        try:
            locks.enter_context(locked_file(os.path.join(folder, f".{name}.lock")))
        except BlockingIOError:
            raise UserError(f"another command is writing {path}; wait for it to end, or give another name") from None
        except OSError as error:
            if error.errno not in WITHOUT_LOCKS:
                raise
        yield


def check_is_no_device(path: StrPath) -> None:
    """Raises UserError if `path`, or what a link there leads to, is a device, a pipe or a socket.

    What is written there would replace it, for all programs on the machine.
    """
    if not os.path.exists(path):
        return
    mode = os.stat(path).st_mode
    if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
        raise UserError(f"{path} is a device, a pipe or a socket; give the name of a file or folder")
