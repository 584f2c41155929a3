"""The program that reads a video with PyAV, in a process of its own: a hostile file can turn FFmpeg against its user.

Usage: python -m video.files.video_reader PATH PIXELS < VIDEO

PATH: of the video, for messages. PIXELS: how many a frame may have. Standard output is what video_messages says: the
video's facts, then each frame, then that there are no more; or what is wrong.
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

# PyAV imports them when it first needs them, which is too late here.
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
from video.files.video_messages import END, FACTS, FRAME, FRAME_HEADER, HEADER, REFUSAL

# A video of 8192×4320 pixels, 10 bits each, takes 100 MB a frame, of which FFmpeg holds up to 32.
LIMITS = Limits(megabytes=4000)
# No playlists and the like, which name other files and other machines for FFmpeg to open.
FORMATS = "avi,matroska,mov,mp4,webm"
# What cameras, phones, editors and the web write. FFmpeg has decoders for four hundred more.
DECODERS = (
    *("h264", "hevc", "vp8", "vp9", "libvpx", "libvpx-vp9", "av1", "libdav1d"),
    *("mpeg1video", "mpeg2video", "mpeg4", "msmpeg4v2", "msmpeg4", "h263", "wmv2", "theora"),
    *("mjpeg", "prores", "dnxhd", "dvvideo", "ffv1", "huffyuv", "ffvhuff", "utvideo", "png", "qtrle", "rawvideo"),
)
DEFAULT_RATE = Fraction(25)  # frames a second


def main() -> None:
    path, most_pixels = sys.argv[1], int(sys.argv[2])
    # The parent decides when to end; Ctrl-C is sent to both.
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    output = io.FileIO(sys.stdout.fileno(), "w", closefd=False)
    video = io.FileIO(sys.stdin.fileno(), closefd=False)
    wall_in(output)
    with contextlib.suppress(BrokenPipeError):
        try:
            send_video(video, path, most_pixels, output)
        except UserError as error:
            send(output, REFUSAL, str(error).encode("utf-8", "surrogateescape"))


def wall_in(output: BinaryIO) -> None:
    """From now on this process can read the video, write to `output` and compute, and it ends with its parent."""
    enforce(LIMITS)
    open_no_more()
    allow_only_computing()
    end_with_parent(output.fileno())


def send_video(video: BinaryIO, path: str, most_pixels: int, output: BinaryIO) -> None:
    """Sends all messages on a video. Raises UserError where it cannot be read, whatever FFmpeg and PyAV raise."""
    try:
        with opened(video, path) as (container, stream):
            if stream.width * stream.height > most_pixels:
                raise too_large(path, most_pixels)
            rate = stream.average_rate or DEFAULT_RATE
            send(output, FACTS, json.dumps(facts(container, stream, rate)).encode())
            for header, pixels in frames(container, stream, rate, path, most_pixels):
                send(output, FRAME, header, pixels)
        send(output, END)
    except (UserError, BrokenPipeError):
        raise
    except MemoryError as error:
        raise UserError(f"{path} takes more than {LIMITS.megabytes} MB of memory to read; scale it down") from error
    except Exception as error:
        reason = str(error) or type(error).__name__
        raise UserError(f"{path} cannot be read: {reason}; save it again as MP4") from error


@contextlib.contextmanager
def opened(video: BinaryIO, path: str) -> Iterator[tuple[av.container.InputContainer, av.VideoStream]]:
    """Yields the container in the open file and its video stream. Raises UserError where there is none to decode."""
    # An open file rather than its name: FFmpeg opens nothing by itself.
    options = {"format_whitelist": FORMATS, "codec_whitelist": ",".join(DECODERS), "protocol_whitelist": "none"}
    try:
        container = av.open(video, "r", container_options=options, metadata_errors="replace")
    except av.FFmpegError as error:
        reason = f"{path} is no video that can be read ({error.strerror})"
        raise UserError(f"{reason}; give a whole MP4, AVI or WebM file") from error
    with container:
        stream = container.streams.best("video")
        if not isinstance(stream, av.VideoStream) or stream.disposition & av.stream.Disposition.attached_pic:
            raise UserError(f"{path} holds no pictures, only sound; give a video")
        if stream.codec_context is None:
            raise UserError(f"{path} is damaged: it does not say how its pictures are encoded; give a whole copy")
        decoder = stream.codec_context.codec.name
        if decoder not in DECODERS:
            raise UserError(f"{path} is encoded in a way that is rarely used ({decoder}); convert it to H.264")
        yield container, stream


def facts(container: av.container.InputContainer, stream: av.VideoStream, rate: Fraction) -> dict[str, Any]:
    """What the parent may know of the whole video, as JSON takes it: ratios as numerator and denominator, or null."""
    duration = _seconds(stream.duration, stream.time_base)
    if duration is None:
        duration = _seconds(container.duration, Fraction(1, av.time_base))
    ratios = {"rate": rate, "pixel_aspect": stream.sample_aspect_ratio, "duration": duration}
    return {
        **{name: None if ratio is None else [ratio.numerator, ratio.denominator] for name, ratio in ratios.items()},
        "frame_count": stream.frames,
    }


def frames(
    container: av.container.InputContainer, stream: av.VideoStream, rate: Fraction, path: str, most_pixels: int
) -> Iterator[tuple[bytes, memoryview]]:
    """Yields each frame as FRAME_HEADER and pixels. Raises UserError where the video is damaged."""
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
                raise UserError(f"{path}: the pictures change their size at frame {count}; cut it there")
            if decoded.width * decoded.height > most_pixels:
                raise too_large(path, most_pixels)
            size = shown_size
            count += 1
            plane = decoded.reformat(format="rgb24").planes[0]
            place = (decoded.height, decoded.width, plane.line_size, turns, float(seconds - start))
            yield FRAME_HEADER.pack(*place), memoryview(plane)
    except MemoryError:
        raise
    except av.FFmpegError as error:
        where = f"{path} is damaged after {count} frames ({error.strerror})"
        raise UserError(f"{where}; give a whole copy, or one that ends there") from error
    if size is None:
        raise UserError(f"{path} holds no frames; give a video that lasts longer")


def too_large(path: str, most_pixels: int) -> UserError:
    return UserError(f"{path}: a frame has more than {most_pixels // 1_000_000} million pixels; scale it down")


def send(output: BinaryIO, kind: bytes, *parts: bytes | memoryview) -> None:
    """Sends a message of this kind, which consists of the parts."""
    for part in (HEADER.pack(kind, sum(map(len, parts))), *parts):
        unsent = memoryview(part)
        while len(unsent):
            unsent = unsent[output.write(unsent) :]


def _seconds(ticks: int | None, time_base: Fraction | None) -> Fraction | None:
    """ticks of time_base seconds each; None where the file does not say either."""
    return None if ticks is None or time_base is None else ticks * time_base


if __name__ == "__main__":
    main()
