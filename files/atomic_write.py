"""Output is written beside its place and renamed into it, so that a reader finds all of it or none."""

import contextlib
import glob
import os
import shutil

from files.file_lock import CAN_LOCK_WHAT_IS_WRITTEN, lock


@contextlib.contextmanager
def atomic_write(path):
    """Yields a path in the same folder to write to; renames it to `path` at the end, removes it on any error.

    What a process that was killed has left of the same file is removed. Raises OSError where the folder cannot be
    written.
    """
    folder, name = os.path.split(os.path.abspath(path))
    _remove_abandoned(folder, name)
    partial = os.path.join(folder, f".{name}.{os.getpid()}.partial")
    try:
        with _held(partial):
            yield partial
            with open(partial, "rb+") as file:
                os.fsync(file.fileno())
            os.replace(partial, path)
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.remove(partial)


@contextlib.contextmanager
def atomic_folder(directory):
    """Yields a new folder beside `directory` to write to; it appears, or replaces an older one, whole at the end.

    It is removed on any error. Raises OSError where it cannot be written.
    """
    folder, name = os.path.split(os.path.abspath(directory))
    partial, old = (os.path.join(folder, f".{name}.{os.getpid()}.{end}") for end in ("partial", "old"))
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
def _held(partial):
    """Creates the file and holds a lock on it, where there are locks: whoever finds it knows that it is being written.

    A file system without locks is no reason to write nothing.
    """
    with contextlib.ExitStack() as held:
        if CAN_LOCK_WHAT_IS_WRITTEN:
            file = held.enter_context(open(partial, "ab"))
            with contextlib.suppress(OSError):
                lock(file)
        yield


def _remove_abandoned(folder, name):
    for path in glob.glob(os.path.join(glob.escape(folder), f".{glob.escape(name)}.*.partial")):
        with contextlib.suppress(OSError), contextlib.ExitStack() as held:
            if CAN_LOCK_WHAT_IS_WRITTEN:
                lock(held.enter_context(open(path, "ab")))
            os.remove(path)
