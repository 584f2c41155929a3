"""How a command ends by a signal: it cleans up if it can, and otherwise an `error:` line says that it was killed."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterable, Iterator
from types import FrameType

# `read` fails when the process has ended without writing a line. The terminal's signals are for the command alone.
WATCH = 'trap "" INT TERM HUP; read -r ended || printf "error: %s\\n" "$0" >&2'


@contextlib.contextmanager
def ended_by_signals() -> Iterator[None]:
    """Raises SystemExit in the main thread at SIGTERM (status 143) and SIGHUP (status 129), so that `finally` runs.

    SIGHUP is sent when the terminal is closed: output to it is dropped from then on. If SIGHUP is ignored, as under
    nohup, it stays ignored. Later signals are ignored, so that none interrupts the cleanup.
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


@contextlib.contextmanager
def reported_sudden_end(message: str) -> Iterator[None]:
    """Prints the message in an `error:` line if this process is killed or aborts inside the `with`.

    The operating system kills a process when memory runs out, and TensorFlow aborts it when it gets no thread or no
    memory. Nothing in the process runs after that, so a shell (1 MB) waits for its end and prints the line. The exit
    status is still that of the signal. Does nothing on Windows, and if no process can be started. faulthandler prints
    Python's stack instead, and nothing after SIGKILL.
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
