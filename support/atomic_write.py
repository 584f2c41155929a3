"""Atomic output: written beside its destination and renamed into place, so that readers find all of it or none."""

from __future__ import annotations

import contextlib
import glob
import os
import shutil
from collections.abc import Iterator
from typing import TYPE_CHECKING

from support.destination import CAN_LOCK_WHILE_WRITING, lock
from support.user_error import UserError

if TYPE_CHECKING:
    from _typeshed import StrPath


@contextlib.contextmanager
def atomic_write(path: StrPath) -> Iterator[str]:
    """Yields a path in the same folder to write to; renames it to `path` at the end, removes it on any error.

    Partial files that a killed process left for the same path are removed first. Raises UserError if the folder accepts
    no files, as /proc does not, and OSError if it is not writable.
    """
    folder, name = os.path.split(os.path.abspath(path))
    _remove_abandoned(folder, name)
    partial = os.path.join(folder, f".{name}.{os.getpid()}.partial")
    try:
        with _locked(partial):
            yield partial
            with open(partial, "rb+") as file:
                os.fsync(file.fileno())
            os.replace(partial, path)
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.remove(partial)


@contextlib.contextmanager
def atomic_folder(directory: StrPath) -> Iterator[str]:
    """Yields a new folder beside `directory` to write to; renames it into place at the end, removes it on any error.

    An older folder at `directory` is replaced. Raises OSError if the folder cannot be written.
    """
    folder, name = os.path.split(os.path.abspath(directory))
    partial, old = (os.path.join(folder, f".{name}.{os.getpid()}.{state}") for state in ("partial", "old"))
    try:
        os.makedirs(partial)
        yield partial
        if os.path.exists(directory):
            os.rename(directory, old)
        try:
            os.rename(partial, directory)
        except OSError:
            if os.path.exists(old):
                os.rename(old, directory)
            raise
    finally:
        shutil.rmtree(partial, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)


@contextlib.contextmanager
def _locked(partial: str) -> Iterator[None]:
    """Creates the file and locks it, because other processes remove unlocked partial files.

    If the file system has no locks, the file stays unlocked.
    """
    with contextlib.ExitStack() as open_files:
        if CAN_LOCK_WHILE_WRITING:
            try:
                file = open_files.enter_context(open(partial, "ab"))
            except FileNotFoundError:
                folder = os.path.dirname(partial)
                if not os.path.isdir(folder):
                    raise
                raise UserError(f"{folder} accepts no new files; choose another place") from None
            with contextlib.suppress(OSError):
                lock(file)
        yield


def _remove_abandoned(folder: str, name: str) -> None:
    for path in glob.glob(os.path.join(glob.escape(folder), f".{glob.escape(name)}.*.partial")):
        with contextlib.suppress(OSError), contextlib.ExitStack() as open_files:
            if CAN_LOCK_WHILE_WRITING:
                lock(open_files.enter_context(open(path, "ab")))
            os.remove(path)
