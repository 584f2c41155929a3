"""Output is written beside its place and renamed into it, so that a reader finds all of it or none."""

import contextlib
import os
import shutil


@contextlib.contextmanager
def written_beside(path):
    """Yields a path in the same folder to write to; renames it to `path` at the end, removes it on any error.

    Raises OSError where the folder cannot be written.
    """
    folder, name = os.path.split(os.path.abspath(path))
    partial = os.path.join(folder, f".{name}.{os.getpid()}.partial")
    try:
        yield partial
        with open(partial, "rb") as file:
            os.fsync(file.fileno())
        os.replace(partial, path)
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.remove(partial)


@contextlib.contextmanager
def folder_written_beside(directory):
    """Yields a new folder beside `directory` to write to; it appears, or replaces an older one, whole at the end.

    It is removed on any error. Raises OSError where it cannot be written.
    """
    directory = os.path.abspath(directory)
    partial, old = (f"{directory}.{os.getpid()}.{end}" for end in ("partial", "old"))
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
