"""Reads the course's pickle, a tuple (frames, labels) of NumPy arrays, in blocks; it is never in memory whole.

The first pass finds where in the file the two arrays lie, the second reads them. Nothing in the file is executed.
"""

import codecs
import contextlib
import io
import os
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from command_line.user_error import UserError
from pipeline.joints import JOINT_NAMES
from pipeline.sequence_shape import FRAME_SHAPE, FRAMES_PER_SEQUENCE
from pipeline.sources.pickle_opcodes import LONGEST_NAME, SAVE_AGAIN, PickledArray, StoredBytes, follow_pickle
from pipeline.sources.zipped_pickle import unzipped

FRAMES_OF_SEQUENCE = (FRAMES_PER_SEQUENCE, *FRAME_SHAPE)
LABELS_OF_SEQUENCE = (FRAMES_PER_SEQUENCE, len(JOINT_NAMES), 2)
LARGEST_READ = 1 << 20


@dataclass(frozen=True)
class Source:
    """An open pickle: a seekable binary file and its length in bytes.

    check_contents: reads all of it and raises where it is not what a checksum says; does nothing where there is none.
    """

    file: io.BufferedIOBase
    size: int
    check_contents: Callable = lambda: None


@dataclass(frozen=True)
class LocatedArrays:
    """Where a pickle keeps its sequences, how many there are, and the dtypes that it keeps them in."""

    sequences: int
    frames_dtype: np.dtype
    labels_dtype: np.dtype
    frames: StoredBytes
    labels: StoredBytes


@contextlib.contextmanager
def open_source(path):
    """Yields the Source at `path`: the file itself, or, if that is a zip file, the one file in it.

    A UserError that is raised while the source is open gets the path in front of its message.
    Raises UserError for a zip file that is damaged, encrypted or does not hold exactly one file; OSError.
    """
    try:
        with open(path, "rb") as file:
            zipped = file.read(2) == b"PK"
            file.seek(0)
            with _unzipped(file) if zipped else _whole(file) as source:
                yield source
    except UserError as error:
        raise UserError(f"{path}: {error}") from None


@contextlib.contextmanager
def _whole(file):
    yield Source(file, os.fstat(file.fileno()).st_size)


@contextlib.contextmanager
def _unzipped(file):
    with unzipped(file) as (member, size, check_contents):
        yield Source(member, size, check_contents)


def locate_arrays(source):
    """Finds the two arrays in a Source without keeping them. Returns LocatedArrays.

    Raises UserError if it is anything but a tuple of frames (N, 10, 64, 64, 3) int8 or uint8 and labels (N, 10, 7, 2)
    float32 or float64, N > 0, in C order, if the file is cut short or goes on after it, or if a checksum is wrong. That
    is looked at last, so that no more of a zip file is unpacked for it than the arrays take.
    """
    source.file.seek(0)
    arrays = follow_pickle(source.file, source.size)
    if not isinstance(arrays, tuple) or [type(array) for array in arrays] != [PickledArray, PickledArray]:
        raise UserError(f"the pickle is not a tuple of two NumPy arrays, frames and labels; {SAVE_AGAIN}")
    frames, labels = arrays
    frames_dtype = _checked_dtype("frames", frames, {"i1": np.int8, "u1": np.uint8})
    labels_dtype = _checked_dtype("labels", labels, {"f4": np.float32, "f8": np.float64})
    _check_array("frames", frames, FRAMES_OF_SEQUENCE, frames_dtype)
    _check_array("labels", labels, LABELS_OF_SEQUENCE, labels_dtype)
    sequences = frames.shape[0]
    if sequences != labels.shape[0]:
        raise UserError(f"there are {sequences} sequences of frames but {labels.shape[0]} of labels; {SAVE_AGAIN}")
    if source.file.tell() < source.size:
        unread = source.size - source.file.tell()
        raise UserError(f"{unread} bytes follow the pickle of frames and labels, which should be alone; {SAVE_AGAIN}")
    source.check_contents()
    return LocatedArrays(sequences, frames_dtype, labels_dtype, frames.contents, labels.contents)


def _checked_dtype(name, array, allowed):
    if array.dtype is None:
        raise UserError(f"the pickle gives the {name} no contents; {SAVE_AGAIN}")
    code = array.dtype.code
    if code not in allowed:
        wanted = " or ".join(np.dtype(dtype).name for dtype in allowed.values())
        raise UserError(
            f"the {name} have dtype {ascii(code)[:LONGEST_NAME]}, not {wanted}; convert them, then {SAVE_AGAIN}"
        )
    dtype = np.dtype(allowed[code])
    return dtype.newbyteorder(array.dtype.byte_order) if dtype.itemsize > 1 else dtype


def _check_array(name, array, shape_of_sequence, dtype):
    if array.shape[1:] != shape_of_sequence:
        found = ", ".join(str(length) for length in array.shape[:6]) + (", …" if len(array.shape) > 6 else "")
        wanted = ", ".join(str(length) for length in shape_of_sequence)
        raise UserError(f"the {name} have shape ({found}), not (N, {wanted}); reshape them, then {SAVE_AGAIN}")
    if array.shape[0] == 0:
        raise UserError(f"the {name} hold no sequences; give a pickle that holds some")
    if array.fortran_order:
        raise UserError(f"the {name} are in Fortran order; put them through numpy.ascontiguousarray, then {SAVE_AGAIN}")
    wanted = int(np.prod(array.shape, dtype=object)) * dtype.itemsize
    stored = array.contents
    fits = isinstance(stored, StoredBytes) and (
        stored.length == wanted or stored.latin1 and wanted <= stored.length <= 2 * wanted
    )
    if not fits:
        length = stored.length if isinstance(stored, StoredBytes) else len(stored)
        raise UserError(f"the {name} should take {wanted} bytes, but the pickle holds {length}; {SAVE_AGAIN}")


def read_frames(source, arrays, sequences_per_block):
    """Yields the frames of a Source in order: (S, 10, 64, 64, 3) uint8, S at most `sequences_per_block`.

    The frames of an int8 pickle are the same bytes seen as uint8. Each block lies where the one before it did.
    Raises UserError if the file has been cut short.
    """
    stored = arrays.frames
    yield from _read_blocks(source, stored, arrays.sequences, FRAMES_OF_SEQUENCE, np.uint8, sequences_per_block)


def read_labels(source, arrays, sequences_per_block):
    """Yields the labels of a Source in order: (S, 10, 7, 2) of the pickle's own dtype, in pixels, x then y.

    Each block lies where the one before it did. Raises UserError if the file has been cut short.
    """
    dtype = arrays.labels_dtype
    yield from _read_blocks(source, arrays.labels, arrays.sequences, LABELS_OF_SEQUENCE, dtype, sequences_per_block)


def _read_blocks(source, stored, sequences, shape_of_sequence, dtype, sequences_per_block):
    source.file.seek(stored.offset)
    reader = _Latin1Reader(source.file, stored.length) if stored.latin1 else source.file
    buffer = np.empty((min(sequences_per_block, sequences), *shape_of_sequence), dtype)
    for start in range(0, sequences, len(buffer)):
        block = buffer[: sequences - start]
        _fill(reader, memoryview(block.reshape(-1).view(np.uint8)))
        yield block
    if stored.latin1 and reader.readinto(memoryview(bytearray(1))):
        raise UserError(f"the pickle holds more bytes than its arrays take; {SAVE_AGAIN}")


def _fill(reader, destination):
    filled = 0
    while filled < len(destination):
        count = reader.readinto(destination[filled : filled + LARGEST_READ])
        if not count:
            raise UserError("the pickle ends before its arrays do; download or copy it again")
        filled += count


class _Latin1Reader:
    """Reads bytes that protocol 2 of Python 3 stores as text: each byte is one character, and these are in UTF-8."""

    def __init__(self, file, length):
        self._file = file
        self._unread = length
        self._undecoded = b""
        self._decoded = b""

    def readinto(self, destination):
        """Fills a part of the memoryview `destination`; returns how many bytes, 0 at the end."""
        while not self._decoded and (self._unread or self._undecoded):
            self._decode_piece()
        count = min(len(destination), len(self._decoded))
        destination[:count] = self._decoded[:count]
        self._decoded = self._decoded[count:]
        return count

    def _decode_piece(self):
        piece = self._file.read(min(self._unread, LARGEST_READ))
        self._unread -= len(piece)
        try:
            text, used = codecs.utf_8_decode(self._undecoded + piece, "strict", not piece)
            self._decoded = text.encode("latin-1")
        except UnicodeError:
            raise UserError("the pickle is damaged: its bytes are no latin1 text; download or copy it again") from None
        self._undecoded = (self._undecoded + piece)[used:]
        if not piece:
            self._unread = 0
