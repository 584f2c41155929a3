"""Standard output and standard error that take whatever a command prints, in any environment."""

import io
import os
import sys
from typing import TextIO


def prepare_standard_streams() -> None:
    """Opens standard output and standard error where they are closed, and has them take every character.

    What is printed to a closed one is dropped. A character that the encoding of an open one lacks is escaped; an error
    handler that PYTHONIOENCODING names is kept.
    """
    sys.stdout = _prepared(sys.stdout, 1)
    sys.stderr = _prepared(sys.stderr, 2)


def _prepared(stream: TextIO | None, descriptor: int) -> TextIO:
    if stream is None:
        _open_nothing_at(descriptor)
        return open(os.devnull, "w", encoding="utf-8")
    if isinstance(stream, io.TextIOWrapper) and stream.errors == "strict":
        stream.reconfigure(errors="backslashreplace")
    return stream


def _open_nothing_at(descriptor: int) -> None:
    """Opens os.devnull at a descriptor that is free, for libraries, whose messages would go to the next file opened."""
    try:
        os.fstat(descriptor)
    except OSError:
        nothing = os.open(os.devnull, os.O_WRONLY)
        if nothing != descriptor:
            os.dup2(nothing, descriptor)
            os.close(nothing)
        os.set_inheritable(descriptor, True)
