"""SIGTERM and SIGHUP end a command as Ctrl-C does: what it was writing is removed."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Iterable, Iterator
from types import FrameType


@contextlib.contextmanager
def ended_by_signals() -> Iterator[None]:
    """Raises SystemExit in the main thread at SIGTERM, with status 143, or at SIGHUP, with status 129.

    SIGHUP is sent when the terminal is closed: output to it is dropped from then on. Where SIGHUP is ignored, as under
    nohup, it stays ignored. All but the first of these signals are ignored, so that none interrupts the cleaning up.
    """
    received: list[int] = []
    terminals = [stream.fileno() for stream in (sys.__stdout__, sys.__stderr__) if stream and stream.isatty()]

    def end(number: int, frame: FrameType | None) -> None:
        if number != signal.SIGTERM:
            print_nothing_on(terminals)
        if not received:
            received.append(number)
            raise SystemExit(128 + number)

    numbers = [signal.SIGTERM]
    if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:
        numbers.append(signal.SIGHUP)
    earlier = {number: signal.signal(number, end) for number in numbers}
    try:
        yield
    finally:
        for number, handler in earlier.items():
            signal.signal(number, handler)
        if received:
            print("stopped", file=sys.stderr)


def print_nothing_on(descriptors: Iterable[int]) -> None:
    """Drops what is written to these descriptors from now on."""
    nothing = os.open(os.devnull, os.O_WRONLY)
    for descriptor in descriptors:
        os.dup2(nothing, descriptor)
    os.close(nothing)
