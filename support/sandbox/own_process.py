"""What a walled process does to itself, and what its end says of it."""

from __future__ import annotations

import os
import select
import signal
import threading


def silence() -> None:
    """Nothing that a library says of a stranger's file reaches the terminal."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nowhere, stream)
    os.close(nowhere)


def end_with_parent(descriptor: int) -> None:
    """Ends this process as soon as the other end of a connection or a pipe is closed, whatever the process is at.

    The parent by number need not be the process that asked: a fork server lives as long as what was forked from it.
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
    """The name of the signal that ended a process, by what multiprocessing and subprocess call its exit code."""
    if exit_code is None or exit_code >= 0:
        return None
    return signal.Signals(-exit_code).name if -exit_code in set(signal.Signals) else f"signal {-exit_code}"
