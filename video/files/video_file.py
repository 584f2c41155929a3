"""Videos, read in a process of its own and written in this one, with PyAV, whose wheels bring FFmpeg."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from fractions import Fraction

import numpy as np

from support.atomic_write import atomic_write
from support.destination import check_destination
from support.guarded_hdf5_file import GuardedHDF5File
from support.user_error import UserError
from video.files.file_types import VIDEO_EXTENSIONS, extension_of
from video.files.frame import Frame, WriteFrame
from video.files.video_process import VideoProcess

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

CLOCK = 90_000  # Hz, MPEG's: at all common frame rates, frames are a whole number of ticks apart
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
        with contextlib.closing(VideoProcess(path)) as process:
            self._rate, self._pixel_aspect, self.duration, self.frame_count = process.facts()

    def frames(self) -> Iterator[Frame]:
        """Yields a Frame for each picture, turned as the file says. Raises UserError where the file is damaged."""
        with contextlib.closing(VideoProcess(self.path)) as process:
            process.facts()
            yield from process.frames()

    @contextlib.contextmanager
    def written_to(self, path: str) -> Iterator[WriteFrame]:
        """Yields a function that writes a picture, uint8 (height, width, 3), in place of a Frame of this video.

        All pictures have one size; they are shown at the times of the Frames. The extension of `path`, one of FORMATS,
        determines container format and codec. The file is written atomically. Raises UserError where FFmpeg refuses the
        size of the pictures or their times.
        """
        container_name, codec, options = FORMATS[extension_of(path)]
        # FFmpeg does not say why a write failed, and fails again as it closes. The file that keeps HDF5's first error
        # keeps FFmpeg's too.
        with atomic_write(path) as partial, GuardedHDF5File(partial) as file, _explained_errors(path, file):
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


@contextlib.contextmanager
def _explained_errors(path: str, file: GuardedHDF5File) -> Iterator[None]:
    """Raises UserError in place of what FFmpeg raises, unless the file at `path` could not be written."""
    try:
        yield
    except av.FFmpegError as error:
        file.check()
        reason = f"FFmpeg does not take pictures of this size, or at these times ({error.strerror})"
        raise UserError(f"{path} cannot be written: {reason}; give --out another ending, or scale the video") from error
