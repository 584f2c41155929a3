"""Fuzzes the reader of YouTube Pose's MAT file with changed elements, inside of compressed ones too.

The program that reads it must end by itself, or the command that starts the program must turn its crash into a
UserError. SciPy is C code, so each input is read in a fork before it is read here.
"""

import contextlib
import io
import random
import struct
import sys
import tempfile
import warnings
import zlib
from pathlib import Path

import atheris
import numpy as np

with atheris.instrument_imports(include=["pipeline.sources.mat_reader", "scipy.io.matlab"]):
    import scipy.io

    from pipeline.sources import mat_reader
    from pipeline.sources.youtube_pose_release import MAT_FILE, NOT_THE_MAT_FILE, OUT_OF_MEMORY, read_annotations
    from support.user_error import UserError

from tests.fuzz.forked import end_of_fork
from tests.fuzz.fuzzer import fuzz

HEADER_BYTES = 128
COMPRESSED = 15
MOST_MEGABYTES = 1000
# Starting a separate program takes as long as a thousand forks.
COMMAND_OF = 5000
LABEL_NAMES = ("Head", "Right wrist", "Left wrist", "Right elbow", "Left elbow", "Right shoulder", "Left shoulder")
WORDS = (0, 1, 2, 3, 4, 5, 6, 7, 9, 14, 15, 17, 18, 255, 1 << 16, 1 << 31, (1 << 32) - 1, (1 << 31) - 1, 0x10001, 0x801)


def write_corpus(folder: Path) -> None:
    for videos in (1, 2):
        fields = ("url", "videoname", "locs", "frameids", "label_names", "scale")
        data = np.empty((1, videos), [(field, object) for field in fields])
        for number, entry in enumerate(data[0]):
            label_names = np.array([[np.array([name]) for name in LABEL_NAMES]], object)
            numbers = np.arange(3, dtype=np.uint16)[None]
            values = ("https://", f"video{number}", np.full((2, 7, 3), 30.5), numbers, label_names, 0.5)
            for field, value in zip(fields, values, strict=True):
                entry[field] = value
        for is_compressed in (False, True):
            path = folder / f"{videos}_{is_compressed}"
            scipy.io.savemat(path, {"data": data}, do_compression=is_compressed)
            assert end_status(path.read_bytes()) == 0  # A file that is refused has little to change.


def change_elements(contents: bytes, largest_input: int, seed: int) -> bytes:
    """Changes words or bytes of the file, and in four cases of five unpacks a compressed element before."""
    drawn = random.Random(seed)
    if drawn.random() < 0.1 or len(contents) < HEADER_BYTES + 16:
        return atheris.Mutate(contents, largest_input)
    body, is_packed = contents[HEADER_BYTES:], False
    if drawn.random() < 0.8:
        body, is_packed = _unpacked(body)
    changed = bytearray(body)
    for _ in range(drawn.choice([1, 1, 2, 4])):
        place = drawn.randrange(max(len(changed) // 4, 1)) * 4
        match drawn.randrange(5):
            case 0:
                changed[place : place + 1] = bytes([drawn.randrange(256)])
            case 1:
                del changed[place : place + 4 * drawn.randint(1, 8)]
            case 2:
                other = drawn.randrange(len(body) // 4) * 4
                changed[place:place] = body[other : other + 4 * drawn.randint(1, 16)]
            case _:
                changed[place : place + 4] = struct.pack("<I", drawn.choice(WORDS))
    packed = zlib.compress(bytes(changed)) if is_packed and drawn.random() < 0.5 else None
    element = bytes(changed) if packed is None else struct.pack("<2I", COMPRESSED, len(packed)) + packed
    return (contents[:HEADER_BYTES] + element)[:largest_input]


def _unpacked(body: bytes) -> tuple[bytes, bool]:
    """The body of the file and whether its first element was compressed, which is unpacked then."""
    kind, size = struct.unpack_from("<2I", body)
    if kind != COMPRESSED:
        return body, False
    try:
        return zlib.decompressobj().decompress(body[8 : 8 + size], 1 << 16) or body, True
    except zlib.error:
        return body, False


def end_status(contents: bytes) -> int | str | None:
    """The exit status of the reader's `main` for a file of these contents."""
    streams = sys.stdin, sys.stdout
    sys.stdin, sys.stdout = (io.TextIOWrapper(io.BytesIO(initial)) for initial in (contents, b""))
    try:
        # The command drops what the program prints to standard error.
        warnings.simplefilter("ignore")
        mat_reader.main()
    except SystemExit as end:
        return end.code
    finally:
        sys.stdin, sys.stdout = streams
    return 0


def check(contents: bytes) -> None:
    end = end_of_fork(lambda: end_status(contents))
    assert end.megabytes < MOST_MEGABYTES, f"takes {end.megabytes:.0f} MB"
    if end.crash is None:
        assert end_status(contents) in (0, NOT_THE_MAT_FILE, OUT_OF_MEMORY)
    if end.crash is not None or zlib.crc32(contents) % COMMAND_OF == 0:
        with tempfile.TemporaryDirectory() as folder, contextlib.suppress(UserError, MemoryError):
            Path(folder, MAT_FILE).write_bytes(contents)
            read_annotations(folder)
            assert end.crash is None, "crashes in the fork alone"


if __name__ == "__main__":
    fuzz(check, write_corpus, largest_input=8000, custom_mutator=change_elements)
