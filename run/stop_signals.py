"""Ctrl-C, SIGTERM and a terminal that is closed end a run in order."""

import contextlib
import os
import signal
import sys


@contextlib.contextmanager
def stop_signals():
    """Yields a function that says whether SIGINT (Ctrl-C), SIGTERM or SIGHUP has come.

    A second Ctrl-C interrupts at once. SIGHUP comes when the terminal is closed: what would be printed there is then
    dropped. Where it is ignored, as under nohup, it stays so.
    """
    received = []
    terminals = [stream.fileno() for stream in (sys.__stdout__, sys.__stderr__) if stream and stream.isatty()]

    def remember(number, frame):
        if received and number == signal.SIGINT:
            raise KeyboardInterrupt
        if number not in (signal.SIGINT, signal.SIGTERM):
            _print_nothing_on(terminals)
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


def _print_nothing_on(descriptors):
    nothing = os.open(os.devnull, os.O_WRONLY)
    for descriptor in descriptors:
        os.dup2(nothing, descriptor)
    os.close(nothing)
