"""Limits a process to a few system calls. On Linux, a filter in the kernel (seccomp) rejects all others.

The package pyseccomp needs the library libseccomp, which pip does not install.
"""

from __future__ import annotations

import ctypes
import errno
import os
import struct
import sys
from dataclasses import dataclass


@dataclass(frozen=True)
class _Architecture:
    """The system calls of a processor architecture, by number."""

    audit: int  # the architecture's number in <linux/audit.h>
    calls: dict[str, int]  # the allowed calls
    clone: int  # starts threads, which is allowed, and processes, which is not


# Reading and writing open files, memory, threads and clocks. The numbers are from the kernel's tables of system calls.
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

# From <linux/filter.h>, <linux/seccomp.h>, <linux/prctl.h> and <linux/sched.h>.
_LOAD, _JUMP_IF_EQUAL, _JUMP_IF_SET, _RETURN = 0x20, 0x15, 0x45, 0x06
_ALLOW, _REJECT = 0x7FFF0000, 0x00050000
_NUMBER, _AUDIT, _FIRST_ARGUMENT = 0, 4, 16  # offsets in struct seccomp_data
_PR_SET_SECCOMP, _PR_SET_NO_NEW_PRIVS, _SECCOMP_MODE_FILTER = 22, 38, 2
_CLONE_THREAD = 0x00010000


def allow_only_computing() -> bool:
    """Limits this thread, and the threads that it starts, to computing and to reading and writing open files.

    They can open no file or socket, and start, change or end no process. Rejected calls fail with ENOSYS, as in a
    kernel that does not have them. Threads that already run are not limited. Returns False, and limits nothing, except
    on Linux on x86-64 and AArch64 with a kernel that has filters.
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
    reject = _instruction(_RETURN, _REJECT | errno.ENOSYS)
    allow = _instruction(_RETURN, _ALLOW)
    return b"".join(
        [
            _instruction(_LOAD, _AUDIT),
            _instruction(_JUMP_IF_EQUAL, architecture.audit, if_true=1),
            reject,
            _instruction(_LOAD, _NUMBER),
            *(_instruction(_JUMP_IF_EQUAL, call, if_false=1) + allow for call in architecture.calls.values()),
            # Threads, but no processes. clone3 is rejected, because a filter cannot see its flags.
            _instruction(_JUMP_IF_EQUAL, architecture.clone, if_true=1),
            reject,
            _instruction(_LOAD, _FIRST_ARGUMENT),
            _instruction(_JUMP_IF_SET, _CLONE_THREAD, if_false=1),
            allow,
            reject,
        ]
    )


def _instruction(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("=HBBI", code, if_true, if_false, value)
