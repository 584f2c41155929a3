"""Calls a function in a fork of the fuzzer, which a crash of a C library may end in its place. For POSIX systems."""

import os
import signal
import traceback
from typing import NamedTuple


class End(NamedTuple):
    """How the fork ended. crash: the name of the signal, None where it came to its end. megabytes: the most it had."""

    crash: str | None
    megabytes: float


def end_of_fork(call, seconds=15):
    """The End of a fork that does nothing but `call()`.

    Raises AssertionError where that raises an exception, whose traceback is printed, or takes longer than this.
    """
    number = os.fork()
    if number == 0:
        _call_and_exit(call, seconds)
    _, status, usage = os.wait4(number, 0)
    crash = signal.Signals(os.WTERMSIG(status)).name if os.WIFSIGNALED(status) else None
    assert crash != "SIGALRM", f"takes more than {seconds} s"
    assert crash is not None or os.WEXITSTATUS(status) == 0, "raises the exception above"
    return End(crash, usage.ru_maxrss * 1024 / 1e6)


def _call_and_exit(call, seconds):
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
