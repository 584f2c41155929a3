"""Videos, through PyAV, whose wheels bring FFmpeg."""

import contextlib
from fractions import Fraction

import numpy as np
from PIL import Image

from command_line.user_error import UserError
from files.atomic_write import atomic_write
from files.destination import check_destination
from files.guarded_hdf5_file import GuardedHDF5File
from media.file_types import VIDEOS, extension_of
from media.frame import Frame

try:
    import av
except ImportError:
    av = None

H264 = ("libx264", {"crf": "18", "preset": "veryfast"})
VP9 = ("libvpx-vp9", {"crf": "24", "b": "0", "deadline": "realtime", "cpu-used": "6", "row-mt": "1"})
H264_IN_ORDER = ("libx264", {**H264[1], "bf": "0"})  # AVI has no times, so its frames must not change places

# What each ending is written as: the container's name, the codec and its options.
FORMATS = {
    ".avi": ("avi", *H264_IN_ORDER),
    ".m4v": ("mp4", *H264),
    ".mkv": ("matroska", *H264),
    ".mov": ("mov", *H264),
    ".mp4": ("mp4", *H264),
    ".webm": ("webm", *VP9),
}
# No playlists and the like, which name other files, and other machines, for FFmpeg to open.
READ_FORMATS = "avi,matroska,mov,mp4,webm"

CLOCK = 90_000  # Hz, MPEG's: frames of all usual rates are a whole number of ticks apart
USUAL_RATE = Fraction(25)
BT709 = 1  # as in ITU-T H.273


class VideoFile:
    """A video; raises UserError where there is none at `path`, and where the package av is missing.

    frame_count: about how many frames it holds. duration: how many seconds it lasts by its own account. Or None.
    """

    def __init__(self, path):
        if av is None:
            advice = "install it with: python -m pip install -r requirements-video.txt"
            raise UserError(f"{path}: reading videos takes the package av; {advice}")
        self.path = path
        with self._opened() as (container, stream):
            if stream.width * stream.height > Image.MAX_IMAGE_PIXELS:
                raise UserError(f"{path}: a frame has more than {Image.MAX_IMAGE_PIXELS // 1_000_000} million pixels")
            self._rate = stream.average_rate or USUAL_RATE
            self._pixel_aspect = stream.sample_aspect_ratio
            self.duration = _duration(container, stream)
            self.frame_count = stream.frames or (self.duration and round(self._rate * self.duration))

    @contextlib.contextmanager
    def _opened(self):
        # An open file, since FFmpeg takes a name with a colon in it for an address.
        with open(self.path, "rb") as file:
            try:
                options = {"format_whitelist": READ_FORMATS}
                container = av.open(file, container_options=options, metadata_errors="replace")
            except av.FFmpegError as error:
                reason = f"{self.path} is no video that can be read ({error.strerror})"
                raise UserError(f"{reason}; give a whole MP4, AVI or WebM file") from error
            with container:
                stream = container.streams.best("video")
                if stream is None:
                    raise UserError(f"{self.path} holds no pictures, only sound; give a video")
                yield container, stream

    def frames(self):
        """Yields a Frame for each picture, turned as the file says; raises UserError where the file is damaged."""
        count, start, size = 0, None, None
        with self._opened() as (container, stream):
            stream.thread_type = "AUTO"
            try:
                for decoded in container.decode(stream):
                    seconds = count / self._rate if decoded.pts is None else decoded.pts * decoded.time_base
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
    def written_to(self, path):
        """Yields a function that writes a picture, uint8 (height, width, 3), in the place of a Frame of ours.

        The pictures are of one size, and follow each other as ours do; container and codec are those of the path's
        ending, one of FORMATS. The file appears whole at the end, or not at all.
        """
        container_name, codec, options = FORMATS[extension_of(path)]
        # FFmpeg does not tell why a write failed, and fails again as it closes; the file for HDF5 does for it too.
        with atomic_write(path) as partial, GuardedHDF5File(partial) as file:
            with av.open(file, "w", format=container_name) as container:
                stream = None
                last_tick = -1

                def write(picture, frame):
                    nonlocal stream, last_tick
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

    def _add_stream(self, container, codec, options, shape):
        height, width, _ = shape
        stream = container.add_stream(codec, rate=self._rate, options=options)
        stream.width, stream.height = width, height
        # Colours of half the resolution have no odd sizes.
        stream.pix_fmt = "yuv420p" if width % 2 == height % 2 == 0 else "yuv444p"
        context = stream.codec_context
        context.time_base = 1 / self._rate if container.format.name == "avi" else Fraction(1, CLOCK)
        context.colorspace = context.color_primaries = context.color_trc = BT709
        if self._pixel_aspect:
            context.sample_aspect_ratio = self._pixel_aspect
        return stream

    def check_destination(self, path, overwrite):
        """Raises UserError where no video can or must be written to `path`."""
        if extension_of(path) not in VIDEOS:
            raise UserError(f"{path} does not end in {', '.join(VIDEOS)}; give the result of a video such a name")
        check_destination(path, self.path, overwrite)


def _duration(container, stream):
    """In seconds, a Fraction, or None where the file does not say."""
    if stream.duration is not None:
        return stream.duration * stream.time_base
    return None if container.duration is None else Fraction(container.duration, av.time_base)
