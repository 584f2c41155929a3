"""Videos, decoded in a sandboxed process and encoded in this one, both with PyAV, whose wheels include FFmpeg."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from fractions import Fraction

import numpy as np

from support.atomic_write import atomic_write
from support.deferred_error_file import DeferredErrorFile
from support.destination import check_destination
from support.user_error import UserError
from video.files.decoder_messages import SKIP_DAMAGE
from video.files.media import VIDEO_EXTENSIONS, Frame, WriteFrame, extension_of
from video.files.sandboxed_decoder import SandboxedDecoder

try:
    import av
except ImportError:
    HAS_PYAV = False
else:
    HAS_PYAV = True

H264 = ("libx264", {"crf": "18", "preset": "veryfast"})
VP9 = ("libvpx-vp9", {"crf": "24", "b": "0", "deadline": "realtime", "cpu-used": "6", "row-mt": "1"})
H264_IN_ORDER = ("libx264", {**H264[1], "bf": "0"})  # AVI has no timestamps, so frames must not be reordered

# Extension to container format, codec and codec options.
FORMATS = {
    ".avi": ("avi", *H264_IN_ORDER),
    ".m4v": ("mp4", *H264),
    ".mkv": ("matroska", *H264),
    ".mov": ("mov", *H264),
    ".mp4": ("mp4", *H264),
    ".webm": ("webm", *VP9),
}

CLOCK = 90_000  # Hz, as in MPEG: at all common frame rates, frames are a whole number of ticks apart
BT709 = 1  # as in ITU-T H.273


class VideoFile:
    """A video file.

    `frame_count` is the number of frames, possibly an estimate, and `duration` is in seconds, both according to the
    file's header, or None. `warnings` are about the frames read so far. Raises UserError if the file cannot be read as
    a video or the package av is missing.
    """

    def __init__(self, path: str, skips_damage: bool = False) -> None:
        """skips_damage: whether to continue after frames that cannot be decoded."""
        if not HAS_PYAV:
            advice = 'install it with: python -m pip install ".[video]"'
            raise UserError(f"{path}: reading videos requires the package av; {advice}")
        self.path = path
        self.warnings: list[str] = []
        self._options = [SKIP_DAMAGE] if skips_damage else []
        with contextlib.closing(self._decoder()) as decoder:
            self._properties = decoder.properties
        self.duration = self._properties.duration
        self.frame_count = self._properties.frame_count

    def _decoder(self) -> SandboxedDecoder:
        return SandboxedDecoder(self.path, options=self._options)

    def frames(self) -> Iterator[Frame]:
        """Yields the frames, rotated as the file says. Raises UserError if the file is damaged."""
        with contextlib.closing(self._decoder()) as decoder:
            yield from decoder.frames()
            self.warnings += [warning for warning in decoder.warnings if warning not in self.warnings]

    @contextlib.contextmanager
    def written_to(self, path: str) -> Iterator[WriteFrame]:
        """Yields a function that writes one frame, shown at the time of its source frame. All have the same size.

        The extension of `path`, a key of FORMATS, determines container format and codec. The file is written
        atomically. Raises UserError if FFmpeg rejects the size of the frames or their times.
        """
        container_name, codec, options = FORMATS[extension_of(path)]
        # FFmpeg does not say why a write failed, and fails again when it closes. The file object keeps the first error.
        with atomic_write(path) as partial, DeferredErrorFile(partial) as file, _explained_errors(path, file):
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
        self, container: av.container.OutputContainer, codec: str, options: dict[str, str], shape: tuple[int, ...]
    ) -> av.VideoStream:
        height, width, _ = shape
        properties = self._properties
        stream = container.add_stream(codec, rate=properties.rate, options=options)
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height = width, height
        # Chroma at half the resolution requires an even width and height.
        stream.pix_fmt = "yuv420p" if width % 2 == height % 2 == 0 else "yuv444p"
        context = stream.codec_context
        context.time_base = 1 / properties.rate if container.format.name == "avi" else Fraction(1, CLOCK)
        context.colorspace = context.color_primaries = context.color_trc = BT709
        if properties.pixel_aspect:
            context.sample_aspect_ratio = properties.pixel_aspect
        return stream

    def check_destination(self, path: str, overwrite: bool) -> None:
        """Raises UserError if the copy cannot or must not be written to `path`."""
        if extension_of(path) not in VIDEO_EXTENSIONS:
            extensions = ", ".join(VIDEO_EXTENSIONS)
            raise UserError(f"{path} does not end in {extensions}; the output of a video is a video, so name it so")
        check_destination(path, self.path, overwrite)


@contextlib.contextmanager
def _explained_errors(path: str, file: DeferredErrorFile) -> Iterator[None]:
    """Turns FFmpeg's errors into a UserError, unless the operating system could not write the file."""
    try:
        yield
    except av.FFmpegError as error:
        file.check()
        reason = f"FFmpeg rejects the size or the times of its frames ({error.strerror})"
        raise UserError(f"{path} cannot be written: {reason}; try another extension, or scale the video") from error
