"""Checks the destination of a result before the work on it begins."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

from command_line.user_error import UserError

if TYPE_CHECKING:
    from _typeshed import StrPath


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


def check_is_no_device(path: StrPath) -> None:
    """Raises UserError if `path`, or what a link there leads to, is a device, a pipe or a socket.

    What is written there would replace it, for all programs on the machine.
    """
    if not os.path.exists(path):
        return
    mode = os.stat(path).st_mode
    if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
        raise UserError(f"{path} is a device, a pipe or a socket; give the name of a file or folder")
