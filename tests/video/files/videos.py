"""Videos written and read with PyAV directly, independently of the code under test, and a disk that is full."""

import contextlib
import errno
from fractions import Fraction

import av
import numpy as np
import pytest

CODECS = {".avi": "mjpeg", ".mkv": "libx264", ".mov": "libx264", ".mp4": "libx264", ".webm": "libvpx"}


def write_video(path, pictures, rate=25, ticks=None, options=None, pixel_aspect=None):
    """Writes pictures, uint8 (height, width, 3), at `rate` per second, or at `ticks` of 1 / rate seconds.

    pixel_aspect: width / height of a pixel, a Fraction.
    """
    codec = CODECS[path.suffix.lower()]
    with av.open(str(path), "w", options=options or {}) as container:
        stream = container.add_stream(codec, rate=rate)
        stream.height, stream.width = pictures[0].shape[:2]
        stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
        if pixel_aspect is not None:
            stream.codec_context.sample_aspect_ratio = pixel_aspect
        if codec == "libx264":
            stream.options = {"crf": "10", "preset": "ultrafast"}
        else:
            stream.bit_rate = 4_000_000
        for tick, picture in zip(ticks or range(len(pictures)), pictures, strict=True):
            frame = av.VideoFrame.from_ndarray(picture)
            frame.pts, frame.time_base = tick, Fraction(1, rate)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def read_video(path):
    """Returns the pictures, uint8 (F, height, width, 3), and the time of each in seconds."""
    with av.open(str(path)) as container:
        frames = list(container.decode(video=0))
        return np.stack([frame.to_ndarray(format="rgb24") for frame in frames]), [frame.time for frame in frames]


def moving_square(count, height=48, width=64):
    """Pictures with four coloured quarters and a white square that moves right by two pixels per frame."""
    quarters = np.zeros((height, width, 3), np.uint8)
    quarters[: height // 2, : width // 2] = (200, 30, 30)
    quarters[: height // 2, width // 2 :] = (86, 180, 233)
    quarters[height // 2 :, width // 2 :] = (30, 40, 200)
    pictures = [quarters.copy() for _ in range(count)]
    for number, picture in enumerate(pictures):
        picture[6:14, 4 + 2 * number : 12 + 2 * number] = 255
    return pictures


def damage(path, packets):
    """Overwrites all but the first bytes of these packets, numbered in the order of the file."""
    contents = bytearray(path.read_bytes())
    with av.open(str(path)) as container:
        places = [(packet.pos, packet.size) for packet in container.demux(video=0) if packet.size]
    for number in packets:
        start, size = places[number]
        contents[start + 4 : start + size] = b"\xa5" * (size - 4)
    path.write_bytes(contents)


def noise(count):
    """Pictures whose packets are large."""
    random = np.random.default_rng(0)
    return [random.integers(0, 256, (6, 8, 3), dtype=np.uint8).repeat(16, 0).repeat(16, 1) for _ in range(count)]


@contextlib.contextmanager
def full_disk(after_bytes):
    """Lets no file grow beyond this size; checks that the block raises OSError with EFBIG."""
    import resource
    import signal

    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (after_bytes, limits[1]))
    try:
        with pytest.raises(OSError) as error:
            yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)
    assert error.value.errno == errno.EFBIG
