"""What the programs that decode an untrusted file in a sandboxed process have in common."""

from __future__ import annotations

import contextlib
import io
import signal
import sys
from collections.abc import Callable
from typing import BinaryIO

from support.sandbox.child_process import end_with_parent
from support.sandbox.limits import Limits, enforce, open_no_more
from support.sandbox.system_calls import allow_only_computing
from support.user_error import UserError
from video.files.decoder_messages import ERROR, HEADER

# Called with the open file, its path for messages, the limit of pixels of a frame, and the output for messages.
SendFrames = Callable[[BinaryIO, str, int, BinaryIO], None]


def run_sandboxed(send_frames: SendFrames) -> None:
    """Decodes the file on standard input in a sandbox; arguments as in decoder_process. A UserError is sent too."""
    path, max_pixels, megabytes = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    # Ctrl-C reaches both processes; the parent decides when this one ends.
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    output = io.FileIO(sys.stdout.fileno(), "w", closefd=False)
    file = io.FileIO(sys.stdin.fileno(), closefd=False)
    _enter_sandbox(output, megabytes)
    with contextlib.suppress(BrokenPipeError):
        try:
            send_frames(file, path, max_pixels, output)
        except UserError as error:
            send(output, ERROR, str(error).encode("utf-8", "surrogateescape"))
        except MemoryError:
            message = f"{path} needs more than {megabytes} MB of memory to decode; scale it down"
            send(output, ERROR, message.encode("utf-8", "surrogateescape"))


def _enter_sandbox(output: BinaryIO, megabytes: int) -> None:
    """From here on, this process can only read the file, write to `output` and compute. It ends with its parent."""
    enforce(Limits(megabytes=megabytes))
    open_no_more()
    allow_only_computing()
    end_with_parent(output.fileno())


def too_large(path: str, max_pixels: int) -> UserError:
    return UserError(f"{path}: a frame has more than {max_pixels // 1_000_000} million pixels; scale it down")


def send(output: BinaryIO, kind: bytes, *parts: bytes | memoryview) -> None:
    """Sends one message of this kind, made of the parts."""
    for part in (HEADER.pack(kind, sum(map(len, parts))), *parts):
        unsent = memoryview(part)
        while len(unsent):
            unsent = unsent[output.write(unsent) :]
