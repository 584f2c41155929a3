"""One reading of a video, from its first frame to its last, by a process that can do nothing else."""

from __future__ import annotations

import contextlib
import json
import math
import os
import select
import subprocess
import sys
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

import numpy as np

from support.picture import largest_picture, open_regular_file
from support.sandbox.child_process import ending_signal
from support.user_error import UserError
from video.files.frame import Frame
from video.files.video_messages import END, FACTS, FRAME, FRAME_HEADER, HEADER, REFUSAL

ROOT = Path(__file__).resolve().parents[2]
READER = "video.files.video_reader"
ANSWER_SECONDS = 60.0
SECONDS_TO_END = 5.0
PIPE_BYTES = 1 << 20
LARGEST_TEXT = 1 << 16
LARGEST_NUMBER = 1 << 63
MOST_PADDING = 1 << 12  # bytes at the end of a line
LATEST = 1e9  # seconds; twice that far, a clock of 90 kHz still counts in 64 bits


class VideoFacts(NamedTuple):
    """rate: frames a second. pixel_aspect: width to height. duration: seconds. None: the file does not say."""

    rate: Fraction
    pixel_aspect: Fraction | None
    duration: Fraction | None
    frame_count: int | None


class VideoProcess:
    """A process that reads the video at `path`, and is ended by `close`.

    Nothing that it says is trusted: it has seen the file. All methods raise UserError where the video cannot be read,
    or the process crashes, or is silent for ANSWER_SECONDS.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        with open_regular_file(path) as file:
            if os.fstat(file.fileno()).st_size == 0:
                raise UserError(f"{path} is empty; give a whole MP4, AVI or WebM file")
            self._process = subprocess.Popen(
                [sys.executable, "-m", READER, path, str(largest_picture())],
                stdin=file,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                cwd=ROOT,
                bufsize=0,
            )
        assert self._process.stdout is not None
        self._output = self._process.stdout
        # Linux alone has pipes of another size, and not for whoever has many.
        with contextlib.suppress(ImportError, AttributeError, OSError):
            import fcntl

            fcntl.fcntl(self._output, fcntl.F_SETPIPE_SZ, PIPE_BYTES)

    @property
    def number(self) -> int:
        """Its process number."""
        return self._process.pid

    def close(self) -> None:
        """Ends the process, whatever it is at."""
        self._process.kill()
        self._process.wait()
        self._output.close()

    def facts(self) -> VideoFacts:
        """What the file says of itself. To be called once, and first."""
        kind, length = self._next_message()
        if kind != FACTS or length > LARGEST_TEXT:
            raise self._nonsense()
        try:
            facts = json.loads(self._read(length))
            rate, pixel_aspect, duration = map(_ratio, (facts["rate"], facts["pixel_aspect"], facts["duration"]))
            frame_count = facts["frame_count"]
        except (ValueError, TypeError, LookupError, RecursionError):
            raise self._nonsense() from None
        if rate is None or not isinstance(frame_count, int) or not 0 <= frame_count < LARGEST_NUMBER:
            raise self._nonsense()
        return VideoFacts(rate, pixel_aspect, duration, frame_count or (round(rate * duration) if duration else None))

    def frames(self) -> Iterator[Frame]:
        """Yields a Frame for each picture, turned as the file says."""
        count = 0
        while True:
            kind, length = self._next_message()
            if kind == END:
                return
            if kind != FRAME or length < FRAME_HEADER.size:
                raise self._nonsense()
            yield self._frame(length - FRAME_HEADER.size, count)
            count += 1

    def _frame(self, length: int, count: int) -> Frame:
        height, width, line, turns, seconds = FRAME_HEADER.unpack(self._read(FRAME_HEADER.size))
        is_allowed = 0 < height * width <= largest_picture() and 0 <= line - 3 * width < MOST_PADDING
        if not is_allowed or length != height * line or not math.isfinite(seconds):
            raise self._nonsense()
        if abs(seconds) > LATEST:
            raise UserError(f"{self._path}: frame {count} is shown at second {seconds:.0f}; cut the video before it")
        lines = np.empty((height, line), np.uint8)
        self._read_into(lines.data.cast("B"))
        picture = lines[:, : 3 * width].reshape(height, width, 3)
        return Frame(np.rot90(picture, turns), seconds=seconds)

    def _next_message(self) -> tuple[bytes, int]:
        """The kind of the next message, and how many bytes follow. Raises UserError where it is a refusal."""
        kind, length = HEADER.unpack(self._read(HEADER.size))
        if kind == REFUSAL and length <= LARGEST_TEXT:
            raise UserError(self._read(length).decode("utf-8", "surrogateescape"))
        return kind, length

    def _read(self, length: int) -> bytearray:
        contents = bytearray(length)
        self._read_into(memoryview(contents))
        return contents

    def _read_into(self, unread: memoryview) -> None:
        while len(unread):
            self._wait()
            count = self._output.readinto(unread)  # type: ignore[attr-defined]
            if not count:
                raise UserError(f"{self._path}: {self._why_it_ended()}")
            unread = unread[count:]

    def _wait(self) -> None:
        """Until there is something to read."""
        if not hasattr(select, "poll"):
            return
        readable = select.poll()
        readable.register(self._output, select.POLLIN)
        if not readable.poll(ANSWER_SECONDS * 1000):
            raise UserError(f"{self._path}: no frame was read within {ANSWER_SECONDS:g} s; save the video again as MP4")

    def _why_it_ended(self) -> str:
        """In words, after the process has closed its output."""
        try:
            name = ending_signal(self._process.wait(SECONDS_TO_END))
        except subprocess.TimeoutExpired:
            name = None
        if name == "SIGKILL":
            return "the system ended what reads it (SIGKILL), as it does where memory runs out; scale it down"
        if name is None:
            return "what reads it ended without a word; save the video again as MP4"
        return f"FFmpeg crashes on it ({name}); save the video again as MP4"

    def _nonsense(self) -> UserError:
        return UserError(f"{self._path}: what reads it answers nonsense; do not trust the file")


def _ratio(pair: list[int] | None) -> Fraction | None:
    """A ratio above 0 from its numerator and denominator; None for others. Raises ValueError or TypeError."""
    if pair is None:
        return None
    numerator, denominator = pair
    if not all(isinstance(number, int) and abs(number) < LARGEST_NUMBER for number in pair) or denominator == 0:
        raise ValueError
    ratio = Fraction(numerator, denominator)
    return ratio if ratio > 0 else None
