"""Ctrl-C, SIGTERM and a closed terminal stop a run cleanly."""

import contextlib
import signal
import sys
from collections.abc import Callable, Iterator
from types import FrameType

from support.signals import print_nothing_on


@contextlib.contextmanager
def stop_signals() -> Iterator[Callable[[], bool]]:
    """Yields a function that tells whether SIGINT (Ctrl-C), SIGTERM or SIGHUP was received.

    A second Ctrl-C interrupts at once. SIGHUP is sent when the terminal is closed: output to it is dropped from then
    on. Where SIGHUP is ignored, as under nohup, it stays ignored.
    """
    received: list[int] = []
    terminals = [stream.fileno() for stream in (sys.__stdout__, sys.__stderr__) if stream and stream.isatty()]

    def remember(number: int, frame: FrameType | None) -> None:
        if received and number == signal.SIGINT:
            raise KeyboardInterrupt
        if number not in (signal.SIGINT, signal.SIGTERM):
            print_nothing_on(terminals)
        received.append(number)

    numbers = [signal.SIGINT, signal.SIGTERM]
    if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:
        numbers.append(signal.SIGHUP)
    earlier = {number: signal.signal(number, remember) for number in numbers}
    try:
        yield lambda: bool(received)
    finally:
        for number, handler in earlier.items():
            signal.signal(number, handler)
