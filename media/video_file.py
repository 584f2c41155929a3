"""Videos, read and written with PyAV, whose wheels bring FFmpeg."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from fractions import Fraction

import numpy as np

from command_line.user_error import UserError
from files.atomic_write import atomic_write
from files.destination import check_destination
from files.guarded_hdf5_file import GuardedHDF5File
from files.picture import largest_picture, open_regular_file
from media.file_types import VIDEO_EXTENSIONS, extension_of
from media.frame import Frame, WriteFrame

try:
    import av
except ImportError:
    HAS_PYAV = False
else:
    HAS_PYAV = True

H264 = ("libx264", {"crf": "18", "preset": "veryfast"})
VP9 = ("libvpx-vp9", {"crf": "24", "b": "0", "deadline": "realtime", "cpu-used": "6", "row-mt": "1"})
H264_IN_ORDER = ("libx264", {**H264[1], "bf": "0"})  # AVI stores no timestamps, so frames must not be reordered

# By extension: the name of the container format, the codec and its options.
FORMATS = {
    ".avi": ("avi", *H264_IN_ORDER),
    ".m4v": ("mp4", *H264),
    ".mkv": ("matroska", *H264),
    ".mov": ("mov", *H264),
    ".mp4": ("mp4", *H264),
    ".webm": ("webm", *VP9),
}
# No playlists and the like, which name other files and other machines for FFmpeg to open.
READ_FORMATS = "avi,matroska,mov,mp4,webm"

CLOCK = 90_000  # Hz, MPEG's: at all common frame rates, frames are a whole number of ticks apart
DEFAULT_RATE = Fraction(25)  # frames a second
BT709 = 1  # as in ITU-T H.273


class VideoFile:
    """A video. Raises UserError where there is none at `path`, and where the package av is missing.

    frame_count: how many frames it holds, or an estimate. duration: in seconds, according to its header. Each is None
    where the file does not say.
    """

    def __init__(self, path: str) -> None:
        if not HAS_PYAV:
            advice = 'install it with: python -m pip install ".[video]"'
            raise UserError(f"{path}: reading videos takes the package av; {advice}")
        self.path = path
        with self._opened() as (container, stream):
            if stream.width * stream.height > largest_picture():
                raise UserError(f"{path}: a frame has more than {largest_picture() // 1_000_000} million pixels")
            self._rate = stream.average_rate or DEFAULT_RATE
            self._pixel_aspect = stream.sample_aspect_ratio
            self.duration = _duration(container, stream)
            self.frame_count = stream.frames or (round(self._rate * self.duration) if self.duration else None)

    @contextlib.contextmanager
    def _opened(self) -> Iterator[tuple[av.container.InputContainer, av.VideoStream]]:
        # An open file rather than its name: FFmpeg takes a name with a colon for a URL.
        with open_regular_file(self.path) as file:
            if os.fstat(file.fileno()).st_size == 0:
                raise UserError(f"{self.path} is empty; give a whole MP4, AVI or WebM file")
            try:
                container = av.open(
                    file,
                    "r",
                    options=_decoder_options(),
                    container_options={"format_whitelist": READ_FORMATS},
                    metadata_errors="replace",
                )
            except av.FFmpegError as error:
                reason = f"{self.path} is no video that can be read ({error.strerror})"
                raise UserError(f"{reason}; give a whole MP4, AVI or WebM file") from error
            with container:
                stream = container.streams.best("video")
                if not isinstance(stream, av.VideoStream):
                    raise UserError(f"{self.path} holds no pictures, only sound; give a video")
                if stream.codec_context is None:
                    raise UserError(
                        f"{self.path} is damaged: it does not say how its pictures are encoded; give a whole copy"
                    )
                yield container, stream

    def frames(self) -> Iterator[Frame]:
        """Yields a Frame for each picture, turned as the file says. Raises UserError where the file is damaged."""
        count, start, size = 0, None, None
        with self._opened() as (container, stream):
            stream.thread_type = "AUTO"
            stream.codec_context.options = _decoder_options()
            try:
                for decoded in container.decode(stream):
                    seconds = _seconds(decoded.pts, decoded.time_base)
                    seconds = count / self._rate if seconds is None else seconds
                    start = seconds if start is None else start
                    turns = round(decoded.rotation / 90)
                    picture = np.rot90(decoded.to_ndarray(format="rgb24"), turns)
                    if size not in (None, picture.shape):
                        raise UserError(f"{self.path}: the pictures change their size at frame {count}; cut it there")
                    size = picture.shape
                    count += 1
                    yield Frame(picture, seconds=float(seconds - start))
            except av.FFmpegError as error:
                where = f"{self.path} is damaged after {count} frames ({error.strerror})"
                raise UserError(f"{where}; give a whole copy, or one that ends there") from error
        if size is None:
            raise UserError(f"{self.path} holds no frames; give a video that lasts longer")

    @contextlib.contextmanager
    def written_to(self, path: str) -> Iterator[WriteFrame]:
        """Yields a function that writes a picture, uint8 (height, width, 3), in place of a Frame of this video.

        All pictures have one size; they are shown at the times of the Frames. The extension of `path`, one of FORMATS,
        determines container format and codec. The file is written atomically.
        """
        container_name, codec, options = FORMATS[extension_of(path)]
        # FFmpeg does not say why a write failed, and fails again as it closes. The file that keeps HDF5's first error
        # keeps FFmpeg's too.
        with atomic_write(path) as partial, GuardedHDF5File(partial) as file:
            with av.open(file, "w", format=container_name) as container:
                stream: av.VideoStream | None = None
                last_tick = -1

                def write(picture: np.ndarray, frame: Frame) -> None:
                    nonlocal stream, last_tick
                    assert frame.seconds is not None
                    if stream is None:
                        stream = self._add_stream(container, codec, options, picture.shape)
                    encoded = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture))
                    encoded = encoded.reformat(format=stream.pix_fmt, dst_colorspace="ITU709")
                    clock = stream.codec_context.time_base
                    last_tick = max(last_tick + 1, round(frame.seconds / clock))
                    encoded.pts, encoded.time_base = last_tick, clock
                    container.mux(stream.encode(encoded))
                    file.check()

                yield write
                if stream is not None:
                    container.mux(stream.encode(None))
            file.check()

    def _add_stream(
        self,
        container: av.container.OutputContainer,
        codec: str,
        options: dict[str, str],
        shape: tuple[int, ...],
    ) -> av.VideoStream:
        height, width, _ = shape
        stream = container.add_stream(codec, rate=self._rate, options=options)
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height = width, height
        # Chroma of half the resolution takes an even width and height.
        stream.pix_fmt = "yuv420p" if width % 2 == height % 2 == 0 else "yuv444p"
        context = stream.codec_context
        context.time_base = 1 / self._rate if container.format.name == "avi" else Fraction(1, CLOCK)
        context.colorspace = context.color_primaries = context.color_trc = BT709
        if self._pixel_aspect:
            context.sample_aspect_ratio = self._pixel_aspect
        return stream

    def check_destination(self, path: str, overwrite: bool) -> None:
        """Raises UserError where no video can or must be written to `path`."""
        if extension_of(path) not in VIDEO_EXTENSIONS:
            endings = ", ".join(VIDEO_EXTENSIONS)
            raise UserError(f"{path} does not end in {endings}; give the result of a video such a name")
        check_destination(path, self.path, overwrite)


def _decoder_options() -> dict[str, str]:
    """The size at which FFmpeg refuses a frame before it takes memory for it, whatever size the header claims."""
    return {"max_pixels": str(min(largest_picture(), 2**31 - 1))}


def _duration(container: av.container.InputContainer, stream: av.VideoStream) -> Fraction | None:
    """In seconds, or None where the file does not say."""
    of_stream = _seconds(stream.duration, stream.time_base)
    return _seconds(container.duration, Fraction(1, av.time_base)) if of_stream is None else of_stream


def _seconds(ticks: int | None, time_base: Fraction | None) -> Fraction | None:
    """ticks of time_base seconds each; None where the file does not say either."""
    return None if ticks is None or time_base is None else ticks * time_base
