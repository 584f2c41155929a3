"""How a command ends by a signal: it cleans up if it can, and otherwise an `error:` line says that it was killed."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from types import FrameType

# `read` fails when the process has ended without writing a line. The terminal's signals are for the command, so the
# shell ignores them.
WATCH = 'trap "" INT TERM HUP; read -r ended || printf "error: %s\\n" "$0" >&2'


@contextlib.contextmanager
def ended_by_signals() -> Iterator[None]:
    """Raises SystemExit in the main thread at SIGTERM (status 143) and SIGHUP (status 129), so that `finally` runs.

    Later signals are ignored, so that none interrupts the cleanup.
    """
    received: list[int] = []

    def end(number: int, frame: FrameType | None) -> None:
        if not received:
            received.append(number)
            raise SystemExit(128 + number)

    try:
        with handled_signals(end):
            yield
    finally:
        if received:
            print("stopped", file=sys.stderr)


@contextlib.contextmanager
def handled_signals(handler: Callable[[int, FrameType | None], None], *more: signal.Signals) -> Iterator[None]:
    """Calls the handler for SIGTERM, SIGHUP and the signals `more` inside the `with`.

    SIGHUP is sent when the terminal is closed. If it is ignored, as under nohup, it stays ignored.
    """
    numbers = [signal.SIGTERM, *more]
    if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:
        numbers.append(signal.SIGHUP)
    earlier = {number: signal.signal(number, handler) for number in numbers}
    try:
        yield
    finally:
        for number, previous in earlier.items():
            signal.signal(number, previous)


@contextlib.contextmanager
def reported_sudden_end(message: str) -> Iterator[None]:
    """Prints the message in an `error:` line if this process is killed or aborts inside the `with`.

    The operating system kills a process when memory runs out, and TensorFlow aborts it when it gets no thread or no
    memory. Nothing in the process runs after that, so a shell (1 MB) waits for its end and prints the line. The exit
    status is still that of the signal. Does nothing on Windows, and if no process can be started. faulthandler was
    considered: it prints Python's stack instead, and nothing after SIGKILL.
    """
    watch = None
    if sys.platform != "win32":
        with contextlib.suppress(OSError):
            watch = subprocess.Popen(
                ["/bin/sh", "-c", WATCH, message],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                start_new_session=True,
            )
    try:
        yield
    finally:
        if watch:
            with contextlib.suppress(OSError):
                watch.communicate(b"ended\n")
