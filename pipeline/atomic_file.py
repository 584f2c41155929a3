"""Output is written beside its place and renamed into it, so that a reader finds all of it or none."""

import contextlib
import os


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
