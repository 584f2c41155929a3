"""The program that decodes a video with PyAV in a sandboxed process, since a hostile file can take over FFmpeg.

Usage: python -m video.files.decoder_process PATH PIXELS MEGABYTES < VIDEO

PATH: of the video, for error messages. PIXELS: limit for one frame. MEGABYTES: memory limit. Standard output receives
decoder_messages: the video's properties, each frame, and END; or an ERROR.
"""

from __future__ import annotations

import contextlib
import io
import json
import signal
import sys
from collections.abc import Iterator
from fractions import Fraction
from typing import Any, BinaryIO

import av

# PyAV imports these lazily, which the sandbox would prevent.
import av.audio.codeccontext
import av.audio.stream
import av.logging
import av.subtitles.codeccontext
import av.subtitles.stream
import av.video.codeccontext
import av.video.stream

from support.sandbox.child_process import end_with_parent
from support.sandbox.limits import Limits, enforce, open_no_more
from support.sandbox.system_calls import allow_only_computing
from support.user_error import UserError
from video.files.decoder_messages import END, ERROR, FRAME, FRAME_HEADER, HEADER, PROPERTIES

# Excludes playlists and similar formats, which make FFmpeg open other files and connect to other machines.
FORMATS = "avi,matroska,mov,mp4,webm"
# What cameras, phones, editors and the web write. FFmpeg has four hundred more decoders.
DECODERS = (
    *("h264", "hevc", "vp8", "vp9", "libvpx", "libvpx-vp9", "av1", "libdav1d"),
    *("mpeg1video", "mpeg2video", "mpeg4", "msmpeg4v2", "msmpeg4", "h263", "wmv2", "theora"),
    *("mjpeg", "prores", "dnxhd", "dvvideo", "ffv1", "huffyuv", "ffvhuff", "utvideo", "png", "qtrle", "rawvideo"),
)
DEFAULT_RATE = Fraction(25)  # frames per second


def main() -> None:
    path, max_pixels, megabytes = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    # Ctrl-C reaches both processes; the parent decides when this one ends.
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    output = io.FileIO(sys.stdout.fileno(), "w", closefd=False)
    video = io.FileIO(sys.stdin.fileno(), closefd=False)
    enter_sandbox(output, megabytes)
    with contextlib.suppress(BrokenPipeError):
        try:
            send_video(video, path, max_pixels, output)
        except UserError as error:
            send(output, ERROR, str(error).encode("utf-8", "surrogateescape"))
        except MemoryError:
            message = f"{path} needs more than {megabytes} MB of memory to decode; scale it down"
            send(output, ERROR, message.encode("utf-8", "surrogateescape"))


def enter_sandbox(output: BinaryIO, megabytes: int) -> None:
    """From here on, this process can only read the video, write to `output` and compute. It ends with its parent."""
    enforce(Limits(megabytes=megabytes))
    open_no_more()
    allow_only_computing()
    end_with_parent(output.fileno())


def send_video(video: BinaryIO, path: str, max_pixels: int, output: BinaryIO) -> None:
    """Sends all messages about a video. Raises UserError if it cannot be read, whatever FFmpeg and PyAV raise."""
    try:
        with opened(video, path) as (container, stream):
            if stream.width * stream.height > max_pixels:
                raise too_large(path, max_pixels)
            rate = stream.average_rate or DEFAULT_RATE
            send(output, PROPERTIES, json.dumps(properties(container, stream, rate)).encode())
            for header, pixels in frames(container, stream, rate, path, max_pixels):
                send(output, FRAME, header, pixels)
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
        raise UserError(f"{reason}; pass a complete MP4, AVI or WebM file") from error
    with container:
        stream = container.streams.best("video")
        if not isinstance(stream, av.VideoStream) or stream.disposition & av.stream.Disposition.attached_pic:
            raise UserError(f"{path} contains sound but no video; pass a video")
        if stream.codec_context is None:
            raise UserError(f"{path} is damaged: its video encoding is unknown; pass a complete copy")
        decoder = stream.codec_context.codec.name
        if decoder not in DECODERS:
            raise UserError(f"{path} uses an unsupported encoding ({decoder}); convert it to H.264")
        yield container, stream


def properties(container: av.container.InputContainer, stream: av.VideoStream, rate: Fraction) -> dict[str, Any]:
    """Returns the video's properties as JSON values; ratios are [numerator, denominator] or None."""
    duration = _seconds(stream.duration, stream.time_base)
    if duration is None:
        duration = _seconds(container.duration, Fraction(1, av.time_base))
    ratios = {"rate": rate, "pixel_aspect": stream.sample_aspect_ratio, "duration": duration}
    return {
        **{name: None if ratio is None else [ratio.numerator, ratio.denominator] for name, ratio in ratios.items()},
        "frame_count": stream.frames,
    }


def frames(
    container: av.container.InputContainer, stream: av.VideoStream, rate: Fraction, path: str, max_pixels: int
) -> Iterator[tuple[bytes, memoryview]]:
    """Yields each frame as a FRAME_HEADER and its pixels. Raises UserError if the video is damaged."""
    count, start, size = 0, None, None
    stream.thread_type = "AUTO"
    try:
        for decoded in container.decode(stream):
            seconds = _seconds(decoded.pts, decoded.time_base)
            seconds = count / rate if seconds is None else seconds
            start = seconds if start is None else start
            turns = round(decoded.rotation / 90) % 4
            shown_size = (decoded.width, decoded.height) if turns % 2 else (decoded.height, decoded.width)
            if size not in (None, shown_size):
                raise UserError(f"{path}: the frame size changes at frame {count}; cut the video there")
            if decoded.width * decoded.height > max_pixels:
                raise too_large(path, max_pixels)
            size = shown_size
            count += 1
            plane = decoded.reformat(format="rgb24").planes[0]
            header = (decoded.height, decoded.width, plane.line_size, turns, float(seconds - start))
            yield FRAME_HEADER.pack(*header), memoryview(plane)
    except MemoryError:
        raise
    except av.FFmpegError as error:
        reason = f"{path} is damaged after {count} frames ({error.strerror})"
        raise UserError(f"{reason}; pass a complete copy, or cut the video there") from error
    if size is None:
        raise UserError(f"{path} has no frames; pass a longer video")


def too_large(path: str, max_pixels: int) -> UserError:
    return UserError(f"{path}: a frame has more than {max_pixels // 1_000_000} million pixels; scale it down")


def send(output: BinaryIO, kind: bytes, *parts: bytes | memoryview) -> None:
    """Sends one message of this kind, made of the parts."""
    for part in (HEADER.pack(kind, sum(map(len, parts))), *parts):
        unsent = memoryview(part)
        while len(unsent):
            unsent = unsent[output.write(unsent) :]


def _seconds(ticks: int | None, time_base: Fraction | None) -> Fraction | None:
    """Converts ticks of `time_base` seconds; None if the file does not state either."""
    return None if ticks is None or time_base is None else ticks * time_base


if __name__ == "__main__":
    main()
