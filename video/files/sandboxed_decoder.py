"""Decodes one video in a sandboxed process and reads its frames from there."""

from __future__ import annotations

import contextlib
import json
import math
import os
import select
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np

from support.picture import largest_picture, open_regular_file
from support.sandbox.child_process import ending_signal
from support.user_error import UserError
from video.files.decoder_messages import END, ERROR, FRAME, FRAME_HEADER, HEADER, PROPERTIES, WARNING
from video.files.media import Frame

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = "video.files.decoder_process"
# A frame of 8192×4320 pixels with 10 bits per channel takes 100 MB, and FFmpeg holds up to 32 of them.
MEGABYTES = 4000
SECONDS_PER_ANSWER = 60.0
SECONDS_TO_END = 5.0
PIPE_BYTES = 1 << 20
LONGEST_TEXT = 1 << 16  # bytes
MOST_WARNINGS = 10
LARGEST_NUMBER = 1 << 63
MAX_PIXEL_ASPECT = 4  # more is an error in the file
MAX_LINE_PADDING = 1 << 12  # bytes
LATEST_SECOND = 1e9  # ticks of a 90 kHz clock still fit into 64 bits at twice this time


@dataclass(frozen=True)
class VideoProperties:
    """What a video's header states; None if it states nothing."""

    rate: Fraction  # frames per second
    pixel_aspect: Fraction | None  # width / height of a pixel
    duration: Fraction | None  # seconds
    frame_count: int | None  # an estimate if only the duration is stated


class SandboxedDecoder:
    """A process that decodes the video at `path` once, from the first frame to the last. Call `close` to end it.

    The process has seen a file from a stranger, so everything it sends is validated. The constructor and `frames` raise
    UserError if the video cannot be read, or if the process crashes or sends nothing for `seconds_per_answer`.
    """

    def __init__(
        self,
        path: str,
        program: str = PROGRAM,
        megabytes: int = MEGABYTES,
        options: Sequence[str] = (),
        advice: str = "save the video again as MP4",
    ) -> None:
        self.seconds_per_answer = SECONDS_PER_ANSWER
        self.warnings: list[str] = []  # about the frames read so far, one line each
        self._path = path
        self._advice = advice
        with open_regular_file(path) as file:
            if os.fstat(file.fileno()).st_size == 0:
                raise UserError(f"{path} is empty; pass a complete MP4, AVI or WebM file")
            self._process = subprocess.Popen(
                [sys.executable, "-m", program, path, str(largest_picture()), str(megabytes), *options],
                stdin=file,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                cwd=ROOT,
                # With PYTHONSAFEPATH, Python does not import from the working directory.
                env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), *filter(None, sys.path)])},
                bufsize=0,
            )
        assert self._process.stdout is not None
        self._output = self._process.stdout
        self.pid = self._process.pid
        # Larger pipes exist only on Linux, up to a quota per user.
        with contextlib.suppress(ImportError, AttributeError, OSError):
            import fcntl

            fcntl.fcntl(self._output, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
        try:
            self.properties = self._read_properties()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Ends the process, whatever it is doing."""
        self._process.kill()
        self._process.wait()
        self._output.close()

    def frames(self) -> Iterator[Frame]:
        """Yields the frames, rotated as the file says. To be called once."""
        count = 0
        while True:
            kind, length = self._next_message()
            if kind == END:
                return
            if kind == WARNING and length <= LONGEST_TEXT and len(self.warnings) < MOST_WARNINGS:
                self.warnings.append(self._read(length).decode("utf-8", "surrogateescape"))
                continue
            if kind != FRAME or length < FRAME_HEADER.size:
                raise self._invalid_data()
            yield self._read_frame(length - FRAME_HEADER.size, count)
            count += 1

    def _read_properties(self) -> VideoProperties:
        kind, length = self._next_message()
        if kind != PROPERTIES or length > LONGEST_TEXT:
            raise self._invalid_data()
        try:
            values = json.loads(self._read(length))
            rate, pixel_aspect, duration = map(_ratio, (values["rate"], values["pixel_aspect"], values["duration"]))
            frame_count = values["frame_count"]
        except (ValueError, TypeError, LookupError, RecursionError):
            raise self._invalid_data() from None
        if rate is None or not isinstance(frame_count, int) or not 0 <= frame_count < LARGEST_NUMBER:
            raise self._invalid_data()
        estimate = round(rate * duration) if duration else None
        return VideoProperties(rate, pixel_aspect, duration, frame_count or estimate)

    def _read_frame(self, length: int, number: int) -> Frame:
        height, width, line, turns, seconds = FRAME_HEADER.unpack(self._read(FRAME_HEADER.size))
        is_valid_size = 0 < height * width <= largest_picture() and 0 <= line - 3 * width < MAX_LINE_PADDING
        if not is_valid_size or length != height * line or not math.isfinite(seconds):
            raise self._invalid_data()
        if abs(seconds) > LATEST_SECOND:
            raise UserError(f"{self._path}: frame {number} is at second {seconds:.0f}; cut the video before it")
        lines = np.empty((height, line), np.uint8)
        self._read_into(lines.data.cast("B"))
        picture = lines[:, : 3 * width].reshape(height, width, 3)
        aspect = float(self.properties.pixel_aspect or 1)
        aspect = aspect if 1 / MAX_PIXEL_ASPECT <= aspect <= MAX_PIXEL_ASPECT else 1.0
        return Frame(np.rot90(picture, turns), seconds=seconds, pixel_aspect=aspect)

    def _next_message(self) -> tuple[bytes, int]:
        """Returns the next message's kind and the number of bytes that follow. Raises UserError for an ERROR."""
        kind, length = HEADER.unpack(self._read(HEADER.size))
        if kind == ERROR and length <= LONGEST_TEXT:
            raise UserError(self._read(length).decode("utf-8", "surrogateescape"))
        return kind, length

    def _read(self, length: int) -> bytearray:
        contents = bytearray(length)
        self._read_into(memoryview(contents))
        return contents

    def _read_into(self, unread: memoryview) -> None:
        while len(unread):
            self._wait_for_output()
            count = self._output.readinto(unread)  # type: ignore[attr-defined]
            if not count:
                raise UserError(f"{self._path}: {self._reason_for_end()}")
            unread = unread[count:]

    def _wait_for_output(self) -> None:
        if not hasattr(select, "poll"):
            return
        readable = select.poll()
        readable.register(self._output, select.POLLIN)
        seconds = self.seconds_per_answer
        if not readable.poll(seconds * 1000):
            raise UserError(f"{self._path}: decoding a frame took over {seconds:g} s; {self._advice}")

    def _reason_for_end(self) -> str:
        """Says why the process ended, after it has closed its output."""
        try:
            name = ending_signal(self._process.wait(SECONDS_TO_END))
        except subprocess.TimeoutExpired:
            name = None
        if name == "SIGKILL":
            return "the system killed the decoder process (SIGKILL), probably for lack of memory; scale it down"
        if name is None:
            return f"the decoder process ended unexpectedly; {self._advice}"
        return f"the decoder crashed ({name}); {self._advice}"

    def _invalid_data(self) -> UserError:
        return UserError(f"{self._path}: the decoder process sent invalid data; do not trust this file")


def _ratio(pair: list[int] | None) -> Fraction | None:
    """Converts [numerator, denominator]; None if it is not above 0. Raises ValueError or TypeError if it is invalid."""
    if pair is None:
        return None
    numerator, denominator = pair
    if not all(isinstance(number, int) and abs(number) < LARGEST_NUMBER for number in pair) or denominator == 0:
        raise ValueError
    ratio = Fraction(numerator, denominator)
    return ratio if ratio > 0 else None
