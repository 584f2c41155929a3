"""The system calls that a process may make: on Linux, a filter in the kernel (seccomp) refuses all others.

The package pyseccomp was considered: it needs the library libseccomp, which pip does not install.
"""

from __future__ import annotations

import ctypes
import errno
import os
import struct
import sys
from typing import NamedTuple


class _Architecture(NamedTuple):
    """audit: its number in <linux/audit.h>. calls: those allowed, by their numbers. clone: the number of that call."""

    audit: int
    calls: dict[str, int]
    clone: int


# Reading and writing what is open, memory, threads, clocks: numbers from the kernel's tables of system calls.
_X86_64 = _Architecture(
    0xC000003E,
    {
        **{"read": 0, "write": 1, "close": 3, "fstat": 5, "poll": 7, "lseek": 8, "pread64": 17},
        **{"mmap": 9, "mprotect": 10, "munmap": 11, "brk": 12, "mremap": 25, "madvise": 28},
        **{"rt_sigaction": 13, "rt_sigprocmask": 14, "rt_sigreturn": 15, "restart_syscall": 219},
        **{"sched_yield": 24, "sched_getaffinity": 204, "futex": 202, "set_robust_list": 273, "rseq": 334},
        **{"membarrier": 324, "getpid": 39, "gettid": 186, "exit": 60, "exit_group": 231},
        **{"clock_gettime": 228, "clock_getres": 229, "clock_nanosleep": 230, "nanosleep": 35, "gettimeofday": 96},
        **{"getrandom": 318, "getrusage": 98, "sysinfo": 99},
    },
    clone=56,
)
_AARCH64 = _Architecture(
    0xC00000B7,
    {
        **{"read": 63, "write": 64, "close": 57, "fstat": 80, "ppoll": 73, "lseek": 62, "pread64": 67},
        **{"mmap": 222, "mprotect": 226, "munmap": 215, "brk": 214, "mremap": 216, "madvise": 233},
        **{"rt_sigaction": 134, "rt_sigprocmask": 135, "rt_sigreturn": 139, "restart_syscall": 128},
        **{"sched_yield": 124, "sched_getaffinity": 123, "futex": 98, "set_robust_list": 99, "rseq": 293},
        **{"membarrier": 283, "getpid": 172, "gettid": 178, "exit": 93, "exit_group": 94},
        **{"clock_gettime": 113, "clock_getres": 114, "clock_nanosleep": 115, "nanosleep": 101, "gettimeofday": 169},
        **{"getrandom": 278, "getrusage": 165, "sysinfo": 179},
    },
    clone=220,
)
_ARCHITECTURES = {"x86_64": _X86_64, "aarch64": _AARCH64}

# <linux/filter.h>, <linux/seccomp.h>, <linux/prctl.h>, <linux/sched.h>
_LOAD, _JUMP_IF_EQUAL, _JUMP_IF_SET, _RETURN = 0x20, 0x15, 0x45, 0x06
_ALLOW, _REFUSE = 0x7FFF0000, 0x00050000
_NUMBER, _AUDIT, _FIRST_ARGUMENT = 0, 4, 16  # where they are in struct seccomp_data
_PR_SET_SECCOMP, _PR_SET_NO_NEW_PRIVS, _SECCOMP_MODE_FILTER = 22, 38, 2
_CLONE_THREAD = 0x00010000


def allow_only_computing() -> bool:
    """From now on, this thread and those that it starts can read and write what is open, and compute; nothing else.

    Neither files nor sockets can be opened, and no process is started, changed or ended. All that is refused fails with
    ENOSYS, as in a kernel that does not know the call. Call it before other threads are started, which it does not
    bind. Returns False where that cannot be: elsewhere than on Linux on x86-64 and AArch64, and where the kernel has
    no filters.
    """
    architecture = _ARCHITECTURES.get(os.uname().machine) if sys.platform == "linux" else None
    if architecture is None or sys.maxsize < 2**32 or sys.byteorder != "little":
        return False
    code = _program(architecture)
    instructions = ctypes.create_string_buffer(code, len(code))
    # struct sock_fprog
    program = ctypes.create_string_buffer(struct.pack("@HP", len(code) // 8, ctypes.addressof(instructions)))
    control = ctypes.CDLL(None).prctl
    control.argtypes = [ctypes.c_int, *[ctypes.c_ulong] * 4]
    return (
        control(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0
        and control(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.addressof(program), 0, 0) == 0
    )


def _program(architecture: _Architecture) -> bytes:
    """The filter, struct sock_filter[]."""
    refuse = _instruction(_RETURN, _REFUSE | errno.ENOSYS)
    allow = _instruction(_RETURN, _ALLOW)
    return b"".join(
        [
            _instruction(_LOAD, _AUDIT),
            _instruction(_JUMP_IF_EQUAL, architecture.audit, if_true=1),
            refuse,
            _instruction(_LOAD, _NUMBER),
            *(_instruction(_JUMP_IF_EQUAL, call, if_false=1) + allow for call in architecture.calls.values()),
            # A thread, but no process. The newer clone3, whose flags a filter cannot see, is refused.
            _instruction(_JUMP_IF_EQUAL, architecture.clone, if_true=1),
            refuse,
            _instruction(_LOAD, _FIRST_ARGUMENT),
            _instruction(_JUMP_IF_SET, _CLONE_THREAD, if_false=1),
            allow,
            refuse,
        ]
    )


def _instruction(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("=HBBI", code, if_true, if_false, value)
