"""Standard output and standard error that accept whatever a command prints, in any environment."""

from __future__ import annotations

import errno
import io
import os
import sys
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer


def prepare_standard_streams() -> None:
    """Keeps printing from failing because of the reader, the terminal or the encoding.

    A stream that is closed drops what is printed. So does a pipe whose reader has ended, as in `command | head`, and a
    terminal that has been closed: the command finishes its work and ends with its usual status. Characters that the
    encoding lacks are escaped, unless PYTHONIOENCODING names another error handler.
    """
    sys.stdout = _prepared(sys.stdout, sys.__stdout__, 1)
    sys.stderr = _prepared(sys.stderr, sys.__stderr__, 2)


def _prepared(stream: TextIO | None, original: TextIO | None, descriptor: int) -> TextIO:
    if stream is None:
        _open_nothing_at(descriptor)
        return open(os.devnull, "w", encoding="utf-8")
    if not isinstance(stream, io.TextIOWrapper):
        return stream
    if stream.errors == "strict":
        stream.reconfigure(errors="backslashreplace")
    # Notebooks and tests replace the streams, and a Windows console is not a FileIO.
    if stream is not original or not isinstance(getattr(stream.buffer, "raw", stream.buffer), io.FileIO):
        return stream
    file = _StandardFile(stream.fileno(), drops_everything=descriptor == 2)
    return io.TextIOWrapper(
        file if stream.write_through else io.BufferedWriter(file),
        encoding=stream.encoding,
        errors=stream.errors,
        line_buffering=stream.line_buffering,
        write_through=stream.write_through,
    )


class _StandardFile(io.FileIO):
    """The file of a standard stream. After a write has failed, it drops everything.

    That write raises OSError, unless nobody reads the stream any more, or with `drops_everything`, which suits
    standard error: there is no other place for the message.
    """

    def __init__(self, descriptor: int, drops_everything: bool) -> None:
        super().__init__(descriptor, "w", closefd=False)
        # A pipe without a reader fails with EPIPE, a closed terminal with EIO.
        self._unread = (errno.EPIPE, errno.EIO) if self.isatty() else (errno.EPIPE,)
        self._drops_everything = drops_everything

    def write(self, data: ReadableBuffer, /) -> int:
        try:
            return super().write(data)
        except OSError as error:
            _drop_output(self.fileno())
            if error.errno not in self._unread and not self._drops_everything:
                raise
            return memoryview(data).nbytes


def _drop_output(descriptor: int) -> None:
    """Connects an open descriptor to os.devnull."""
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, descriptor)
    os.close(nothing)


def _open_nothing_at(descriptor: int) -> None:
    """Opens os.devnull at a descriptor if it is free: what libraries print would go to the next file opened."""
    try:
        os.fstat(descriptor)
    except OSError:
        nothing = os.open(os.devnull, os.O_WRONLY)
        if nothing != descriptor:
            os.dup2(nothing, descriptor)
            os.close(nothing)
        os.set_inheritable(descriptor, True)
