"""Calls a function in a fork of the fuzzer, so that a crash of a C library ends the fork alone. For POSIX systems."""

import os
import signal
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import NoReturn


@dataclass(frozen=True)
class End:
    """How the fork ended."""

    crash: str | None  # name of the signal; None if there was no crash
    megabytes: float  # peak memory


def end_of_fork(call: Callable[[], object], seconds: int = 15) -> End:
    """Calls `call` in a fork and returns how the fork ended.

    Raises AssertionError if the call takes longer than this or raises an exception, whose traceback is printed.
    """
    number = os.fork()
    if number == 0:
        _call_and_exit(call, seconds)
    _, status, usage = os.wait4(number, 0)
    crash = signal.Signals(os.WTERMSIG(status)).name if os.WIFSIGNALED(status) else None
    assert crash != "SIGALRM", f"takes more than {seconds} s"
    assert crash is not None or os.WEXITSTATUS(status) == 0, "raises the exception above"
    return End(crash, usage.ru_maxrss * 1024 / 1e6)


def _call_and_exit(call: Callable[[], object], seconds: int) -> NoReturn:
    # libFuzzer's handlers would report the crash as its own.
    for number in (signal.SIGSEGV, signal.SIGBUS, signal.SIGABRT, signal.SIGFPE, signal.SIGILL, signal.SIGALRM):
        signal.signal(number, signal.SIG_DFL)
    signal.alarm(seconds)
    status = 1
    try:
        call()
        status = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(status)
