"""Fuzzes the reading of videos: each file is opened and its frames are read.

A file must either be refused with a UserError or give frames of one size. FFmpeg is C code with threads, so each input
is decoded in a fork. A few are also read as the commands do, by a process that takes longer to start than a file to
decode.
"""

import contextlib
import io
import itertools
import math
import random
import struct
import tempfile
import zlib
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import atheris
import av
import numpy as np

with atheris.instrument_imports(include=["support.picture", "video"]):
    from PIL import Image

    from support.user_error import UserError
    from video.files.decoder_process import send_video
    from video.files.video_file import VideoFile

from tests.fuzz.forked import end_of_fork
from tests.fuzz.fuzzer import fuzz

LARGEST = 1 << 16  # pixels of a picture
MOST_FRAMES = 200
MOST_MEGABYTES = 400
MOST_BYTES = 3 * LARGEST * 20  # of decoded frames
READ_OF = 100
WORDS = (0, 1, 2, 255, 1 << 15, 1 << 16, 1 << 24, 1 << 31, (1 << 31) - 1, (1 << 32) - 1)
CODECS = {
    **{".avi": "mjpeg", ".mkv": "libx264", ".mp4": "libx264", ".mov": "mpeg4", ".webm": "libvpx"},
    **{".flv": "libx264", ".mpg": "mpeg2video", ".wmv": "wmv2"},
}


def write_corpus(folder: Path) -> None:
    generator = np.random.default_rng(0)
    pictures = [np.full((16, 16, 3), generator.integers(0, 256), np.uint8) for _ in range(4)]
    for ending, codec in CODECS.items():
        _write_video(folder / f"video{ending}", codec, pictures)
    for path in folder.iterdir():
        assert read(path.read_bytes()) == len(pictures), path


def _write_video(path: Path, codec: str, pictures: Sequence[np.ndarray]) -> None:
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream(codec, rate=25)
        stream.height, stream.width = pictures[0].shape[:2]
        stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
        for number, picture in enumerate(pictures):
            frame = av.VideoFrame.from_ndarray(picture)
            frame.pts, frame.time_base = number, Fraction(1, 25)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def change_bytes(contents: bytes, largest_input: int, seed: int) -> bytes:
    """Changes bytes or, in half of all cases, whole numbers of the headers and sizes of boxes, without moving any."""
    drawn = random.Random(seed)
    if len(contents) < 16 or drawn.random() < 0.5:
        return atheris.Mutate(contents, largest_input)
    changed = bytearray(contents)
    for _ in range(drawn.choice([1, 1, 2, 4])):
        order = drawn.choice("<>")
        code, size = drawn.choice([("B", 1), ("H", 2), ("I", 4)])
        place = drawn.randrange(len(changed) - size)
        [present] = struct.unpack_from(order + code, changed, place)
        number = drawn.choice([*WORDS, present + 1, present - 1, 2 * present, present // 2]) % (1 << 8 * size)
        struct.pack_into(order + code, changed, place, number)
    return bytes(changed)


def read(contents: bytes) -> int:
    """The number of frames, at most MOST_FRAMES; raises UserError if the file is rejected."""
    with tempfile.NamedTemporaryFile(suffix=".mp4") as file:
        file.write(contents)
        file.flush()
        media = VideoFile(file.name)
        assert media.frame_count is None or media.frame_count >= 0
        assert media.duration is None or isinstance(media.duration, Fraction)
        frames = list(itertools.islice(media.frames(), MOST_FRAMES))
        assert len({frame.picture.shape for frame in frames}) == 1
        for frame in frames:
            assert frame.picture.size <= 3 * LARGEST
            assert frame.picture.dtype == np.uint8 and frame.picture.shape[2] == 3 and math.isfinite(frame.seconds or 0)
        return len(frames)


def read_or_refuse(contents: bytes) -> None:
    with contextlib.suppress(UserError):
        read(contents)


class LimitedOutput(io.BytesIO):
    """Like a pipe whose reader has enough after MOST_BYTES."""

    def write(self, contents: Any) -> int:
        if self.tell() > MOST_BYTES:
            raise BrokenPipeError
        return super().write(contents)


def decode_or_refuse(contents: bytes) -> None:
    """What the process that decodes videos does."""
    with contextlib.suppress(UserError, BrokenPipeError):
        send_video(io.BytesIO(contents), "video.mp4", LARGEST, LimitedOutput())


def check(contents: bytes) -> None:
    end = end_of_fork(lambda: decode_or_refuse(contents))
    assert end.crash is None, f"crashes with {end.crash}"
    assert end.megabytes < MOST_MEGABYTES, f"takes {end.megabytes:.0f} MB"
    if zlib.crc32(contents) % READ_OF == 0:
        read_or_refuse(contents)


if __name__ == "__main__":
    Image.MAX_IMAGE_PIXELS = LARGEST
    fuzz(check, write_corpus, largest_input=20_000, custom_mutator=change_bytes)
