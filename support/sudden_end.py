"""An `error:` line of a command that is ended so suddenly that it cannot print one itself.

TensorFlow aborts the process where a thread or a small piece of memory cannot be had, and the operating system kills
one where memory runs out. Nothing in the process runs after that. faulthandler was considered: it prints the stack of
Python, and nothing where the process is killed.
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Iterator

# The pipe ends without a line when the process has ended. Signals of a terminal are for the command alone.
WATCH = 'trap "" INT TERM HUP; read -r ended || printf "error: %s\\n" "$0" >&2'
SHELL = "/bin/sh"


@contextlib.contextmanager
def reported_sudden_end(message: str) -> Iterator[None]:
    """Has a shell, a process of 1 MB, print the message in an `error:` line if this process ends before the `with`.

    The exit status is that of the signal. Does nothing on Windows, and where no process can be started.
    """
    try:
        if sys.platform == "win32":
            raise OSError
        watch = subprocess.Popen(
            [SHELL, "-c", WATCH, message], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, start_new_session=True
        )
    except OSError:
        yield
        return
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            watch.communicate(b"ended\n")
