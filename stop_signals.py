"""Ctrl-C ends a run in order."""

import contextlib
import signal


@contextlib.contextmanager
def stop_signals():
    """Yields a function that says whether SIGINT (Ctrl-C) or SIGTERM has come; a second Ctrl-C interrupts at once."""
    received = []

    def remember(number, frame):
        if received and number == signal.SIGINT:
            raise KeyboardInterrupt
        received.append(number)

    earlier = {number: signal.signal(number, remember) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: bool(received)
    finally:
        for number, handler in earlier.items():
            signal.signal(number, handler)
