"""The program that decodes a video with PyAV in a sandboxed process, since a hostile file can take over FFmpeg.

Usage: python -m video.files.decoder_process PATH PIXELS MEGABYTES [SKIP_DAMAGE] < VIDEO

PATH: of the video, for error messages. PIXELS: limit for one frame. MEGABYTES: memory limit. SKIP_DAMAGE: continue
after frames that cannot be decoded. Standard output receives decoder_messages: the video's properties, each frame, a
WARNING if frames are missing, and END; or an ERROR.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import shlex
import subprocess
import sys
from collections import deque
from collections.abc import Iterable, Iterator
from fractions import Fraction
from typing import Any, BinaryIO

import av

# PyAV imports these lazily, which the sandbox would prevent.
import av.audio.codeccontext
import av.audio.stream
import av.filter
import av.logging
import av.subtitles.codeccontext
import av.subtitles.stream
import av.video.codeccontext
import av.video.stream

from support.user_error import UserError
from video.files.decoder_messages import END, FRAME, FRAME_HEADER, PROPERTIES, SKIP_DAMAGE, WARNING
from video.files.sandboxed_program import run_sandboxed, send, too_large
from video.files.tone_mapping import needs_conversion, sdr_conversion

# Excludes playlists and similar formats, which make FFmpeg open other files and connect to other machines. "mov" are
# also 3GP and 3G2, "mpegts" is what camcorders and television write, "mpeg" is DVDs' and "asf" is WMV.
FORMATS = "asf,avi,flv,matroska,mov,mp4,mpeg,mpegts,mpegvideo,ogg,webm"
# What cameras, phones, editors and the web write. FFmpeg has four hundred more decoders.
DECODERS = (
    *("h264", "hevc", "vp8", "vp9", "libvpx", "libvpx-vp9", "av1", "libdav1d"),
    *("mpeg1video", "mpeg2video", "mpeg4", "msmpeg4v2", "msmpeg4", "h263", "wmv2", "theora"),
    *("mjpeg", "prores", "dnxhd", "dvvideo", "ffv1", "huffyuv", "ffvhuff", "utvideo", "png", "qtrle", "rawvideo"),
)
DEFAULT_RATE = Fraction(25)  # frames per second

# Of MPEG-4, a packet of at most this many bytes repeats the frame before it.
SMALLEST_FRAME = 8
MOST_ERRORS_AT_END = 16  # packets; more are not a damaged end of a video
WATCHED = 64  # packets, more than FFmpeg decodes in parallel and reorders


def main() -> None:
    run_sandboxed(send_video)


def send_video(video: BinaryIO, path: str, max_pixels: int, output: BinaryIO) -> None:
    """Sends all messages about a video. Raises UserError if it cannot be read, whatever FFmpeg and PyAV raise."""
    try:
        with opened(video, path) as (container, stream):
            if stream.width * stream.height > max_pixels:
                raise too_large(path, max_pixels)
            rate = stream.average_rate or DEFAULT_RATE
            decoder = Decoder(container, stream, path, skips_damage=SKIP_DAMAGE in sys.argv)
            decoded = decoder.frames()
            first = next(decoded, None)
            if first is None:
                raise UserError(f"{path} has no frames; pass a longer video")
            send(output, PROPERTIES, json.dumps(properties(container, stream, rate, quarter_turns(first))).encode())
            for header, pixels in rgb_frames(itertools.chain([first], decoded), stream, rate, path, max_pixels):
                send(output, FRAME, header, pixels)
            for warning in decoder.warnings():
                send(output, WARNING, warning.encode("utf-8", "surrogateescape"))
        send(output, END)
    except (UserError, BrokenPipeError, MemoryError):
        raise
    except Exception as error:
        reason = str(error) or type(error).__name__
        raise UserError(f"{path} cannot be read: {reason}; save it again as MP4") from error


@contextlib.contextmanager
def opened(video: BinaryIO, path: str) -> Iterator[tuple[av.container.InputContainer, av.VideoStream]]:
    """Yields the container in the open file and its video stream. Raises UserError if there is none to decode."""
    # FFmpeg gets an open file instead of a name, so that it opens nothing itself.
    options = {"format_whitelist": FORMATS, "codec_whitelist": ",".join(DECODERS), "protocol_whitelist": "none"}
    try:
        container = av.open(video, "r", container_options=options, metadata_errors="replace")
    except av.FFmpegError as error:
        reason = f"{path} is not a readable video ({error.strerror})"
        raise UserError(f"{reason}; pass a complete MP4, AVI or WebM file, or {conversion(path)}") from error
    with container:
        stream = container.streams.best("video")
        if not isinstance(stream, av.VideoStream) or stream.disposition & av.stream.Disposition.attached_pic:
            raise UserError(f"{path} contains sound but no video; pass a video")
        if stream.codec_context is None:
            raise UserError(f"{path} is damaged: its video encoding is unknown; pass a complete copy")
        decoder = stream.codec_context.codec.name
        if decoder not in DECODERS:
            raise UserError(f"{path} uses an unsupported encoding ({decoder}); {conversion(path)}")
        yield container, stream


def conversion(path: str) -> str:
    """Advice with the command that converts a video to a format that is supported."""
    source = os.path.join(os.curdir, path) if path.startswith("-") else path
    destination = f"{os.path.splitext(source)[0]}_h264.mp4"
    arguments = ["ffmpeg", "-i", source, "-c:v", "libx264", "-pix_fmt", "yuv420p", destination]
    command = subprocess.list2cmdline(arguments) if sys.platform == "win32" else shlex.join(arguments)
    return f"convert it with: {command}"


def properties(
    container: av.container.InputContainer, stream: av.VideoStream, rate: Fraction, turns: int
) -> dict[str, Any]:
    """Returns the video's properties as JSON values; ratios are [numerator, denominator] or None.

    turns: quarter turns by which the frames are rotated.
    """
    duration = _seconds(stream.duration, stream.time_base)
    if duration is None:
        duration = _seconds(container.duration, Fraction(1, av.time_base))
    aspect = stream.sample_aspect_ratio
    if aspect and turns % 2:
        aspect = 1 / aspect
    ratios = {"rate": rate, "pixel_aspect": aspect, "duration": duration}
    return {
        **{name: None if ratio is None else [ratio.numerator, ratio.denominator] for name, ratio in ratios.items()},
        "frame_count": stream.frames,
    }


class Decoder:
    """Decodes a video stream, and notices which frames are missing or incomplete because of damage."""

    def __init__(
        self, container: av.container.InputContainer, stream: av.VideoStream, path: str, skips_damage: bool
    ) -> None:
        self._container, self._stream, self._path, self._skips_damage = container, stream, path, skips_damage
        self._count = 0
        self._error: UserError | None = None  # the first one
        self._error_times: list[int] = []  # in ticks, of the packets at which FFmpeg reported an error
        self._first_time: int | None = None
        self._incomplete_times: list[int] = []  # in ticks, of frames whose damaged parts FFmpeg has filled in
        # The times of the last packets and frames, in ticks.
        self._packet_times: deque[int] = deque(maxlen=WATCHED)
        self._frame_times: deque[int] = deque(maxlen=WATCHED)

    def frames(self) -> Iterator[av.VideoFrame]:
        """Yields the frames in the order of their times.

        Raises UserError if a frame cannot be decoded, unless it is skipped or is among the last ones. FFmpeg decodes
        several frames in parallel, and then reports no errors in the last ones.
        """
        # Errors are reported at the right packet only if frames are not decoded in parallel.
        self._stream.thread_type = "SLICE" if self._skips_damage else "AUTO"
        try:
            for packet in self._container.demux(self._stream):
                if packet.size > SMALLEST_FRAME and packet.pts is not None and not packet.is_discard:
                    self._packet_times.append(packet.pts)
                yield from self._decoded(packet)
        except av.FFmpegError as error:
            self._note(error)
        if self._error is not None and not self._count:
            raise self._error

    def _decoded(self, packet: av.Packet) -> Iterator[av.VideoFrame]:
        try:
            for frame in packet.decode():
                if self._error is not None and not self._skips_damage:
                    raise self._error
                if frame.pts is not None:
                    self._frame_times.append(frame.pts)
                    self._first_time = frame.pts if self._first_time is None else self._first_time
                    if frame.is_corrupt:
                        self._incomplete_times.append(frame.pts)
                self._count += 1
                yield frame
        except av.FFmpegError as error:
            self._note(error)

    def _note(self, error: av.FFmpegError) -> None:
        """Remembers the first error. Raises it if there are too many, or if memory is short."""
        if isinstance(error, MemoryError):
            raise error
        self._error_times.append(self._packet_times[-1] if self._packet_times else 0)
        if self._error is None:
            self._error = self._damaged(error)
        if not self._skips_damage and len(self._error_times) > MOST_ERRORS_AT_END:
            raise self._error from error

    def missing(self) -> list[int]:
        """The times of frames that could not be decoded, in ticks. To be called after the last frame."""
        times = sorted(self._frame_times)
        shortest = min((after - before for before, after in itertools.pairwise(times)), default=0)
        # A packet of half a picture, or of one that is not to be shown, has nearly the time of a frame.
        unseen = [
            time
            for time in self._packet_times
            if times and time > times[0] and min(abs(time - other) for other in times) > 0.75 * shortest
        ]
        # FFmpeg reports some errors in these packets, too.
        reported = [time for time in self._error_times if not self._packet_times or time < self._packet_times[0]]
        return max(sorted([*reported, *unseen]), self._error_times, key=len)

    def warnings(self) -> list[str]:
        """Says which frames are missing, and which are incomplete."""
        missing, incomplete = self.missing(), self._incomplete_times
        warnings = []
        if missing:
            number = f"{len(missing)} of {self._count + len(missing)} frames"
            warnings.append(f"{number} could not be decoded, the first {self._place(missing[0])}")
        if incomplete:
            number = f"parts of {len(incomplete)} of {self._count} frames"
            warnings.append(f"{number} were filled in from other frames, the first {self._place(incomplete[0])}")
        return [f"{self._path} is damaged: {warning}" for warning in warnings]

    def _place(self, time: int) -> str:
        seconds = _seconds(time - (self._first_time or 0), self._stream.time_base)
        return f"at {float(seconds or 0):.2f} s"

    def _damaged(self, error: av.FFmpegError) -> UserError:
        reason = f"{self._path} is damaged after {self._count} frames ({error.strerror})"
        advice = "pass a complete copy, or cut the video there"
        return UserError(f"{reason}; {advice}{f', or add {SKIP_DAMAGE}' if self._count else ''}")


def rgb_frames(
    decoded: Iterable[av.VideoFrame], stream: av.VideoStream, rate: Fraction, path: str, max_pixels: int
) -> Iterator[tuple[bytes, memoryview]]:
    """Yields each frame as a FRAME_HEADER and its pixels. Raises UserError if the frames change in size."""
    start, size, to_sdr = None, None, None
    for count, frame in enumerate(decoded):
        seconds = _seconds(frame.pts, frame.time_base)
        seconds = count / rate if seconds is None else seconds
        start = seconds if start is None else start
        turns = quarter_turns(frame)
        shown_size = (frame.width, frame.height) if turns % 2 else (frame.height, frame.width)
        if size not in (None, shown_size):
            raise UserError(f"{path}: the frame size changes at frame {count}; cut the video there")
        if frame.width * frame.height > max_pixels:
            raise too_large(path, max_pixels)
        size = shown_size
        transfer, primaries = int(stream.codec_context.color_trc), int(stream.codec_context.color_primaries)
        if to_sdr is None and needs_conversion(transfer, primaries):
            to_sdr = sdr_conversion(transfer, frame.width, frame.height)
        if to_sdr is not None:
            frame = to_sdr(frame)
        plane = frame.reformat(format="rgb24").planes[0]
        header = (frame.height, frame.width, plane.line_size, turns, float(seconds - start))
        yield FRAME_HEADER.pack(*header), memoryview(plane)


def quarter_turns(frame: av.VideoFrame) -> int:
    """By how many quarter turns, counterclockwise, a frame is to be rotated."""
    return round(frame.rotation / 90) % 4


def _seconds(ticks: int | None, time_base: Fraction | None) -> Fraction | None:
    """Converts ticks of `time_base` seconds; None if the file does not state either."""
    return None if ticks is None or time_base is None else ticks * time_base


if __name__ == "__main__":
    main()
