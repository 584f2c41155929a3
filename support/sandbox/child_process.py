"""What a sandboxed process does to itself, how it finds the project, and how its end is described."""

from __future__ import annotations

import os
import select
import signal
import threading


def silence() -> None:
    """Connects the three standard streams to nothing: no library may print anything about an untrusted file."""
    nothing = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nothing, stream)
    os.close(nothing)


def end_with_parent(descriptor: int) -> None:
    """Ends this process, whatever it is doing, once the other end of a connection or pipe is closed.

    The parent's process number would not do: a fork server outlives the command that it forks for.
    """
    if not hasattr(select, "poll"):
        return
    closed = select.poll()
    closed.register(descriptor, 0)

    def wait() -> None:
        while not closed.poll():
            pass
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()


def ending_signal(exit_code: int | None) -> str | None:
    """The name of the signal that ended a process, from the exit code that multiprocessing or subprocess reports."""
    if exit_code is None or exit_code >= 0:
        return None
    return signal.Signals(-exit_code).name if -exit_code in set(signal.Signals) else f"signal {-exit_code}"
