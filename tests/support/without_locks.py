"""Takes the system call flock away from this process, as some network file systems do not have it."""

import ctypes
import platform
import struct

import pytest

CALLS = {"x86_64": 73, "aarch64": 32}  # of flock, by processor
LOAD, JUMP_IF_EQUAL, RETURN = 0x20, 0x15, 0x06  # <linux/bpf_common.h>
ALLOW, FAIL = 0x7FFF0000, 0x00050000  # <linux/seccomp.h>
PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 38, 22, 2

needs_seccomp = pytest.mark.skipif(
    platform.system() != "Linux" or platform.machine() not in CALLS, reason="needs the kernel's filters"
)


def fail_to_lock(number):
    """From here on, flock fails in this thread with this error number, also when a library calls it."""
    lines = [(LOAD, 0, 0, 0), (JUMP_IF_EQUAL, 0, 1, CALLS[platform.machine()])]
    code = b"".join(
        struct.pack("=HBBI", *line) for line in [*lines, (RETURN, 0, 0, FAIL | number), (RETURN, 0, 0, ALLOW)]
    )
    instructions = ctypes.create_string_buffer(code, len(code))
    program = ctypes.create_string_buffer(struct.pack("@HP", 4, ctypes.addressof(instructions)))
    control = ctypes.CDLL(None, use_errno=True).prctl
    control.argtypes = [ctypes.c_int, *[ctypes.c_ulong] * 4]
    assert control(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0
    assert control(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.addressof(program), 0, 0) == 0
