"""Reads the course's pickle, a tuple (frames, labels) of NumPy arrays, block by block in bounded memory.

An .npz of the two arrays is read in the same way. The first pass locates the two arrays in the file, the second one
reads them. Nothing in the file is executed.
"""

from __future__ import annotations

import codecs
import contextlib
import io
import math
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pipeline.joints import JOINT_NAMES
from pipeline.sequence_shape import FRAME_SHAPE, FRAMES_PER_SEQUENCE
from pipeline.sources.npz_arrays import npz_arrays
from pipeline.sources.other_files import advice_on_parts, check_is_not_last_part
from pipeline.sources.pickle_opcodes import (
    LONGEST_NAME,
    SAVE_AGAIN,
    PickledArray,
    PickledValue,
    StoredBytes,
    parse_pickle,
)
from pipeline.sources.zipped_pickle import unzipped
from support.text import counted
from support.user_error import UserError

if TYPE_CHECKING:
    import numpy.typing as npt
    from _typeshed import StrPath

FRAMES_OF_SEQUENCE = (FRAMES_PER_SEQUENCE, *FRAME_SHAPE)
LABELS_OF_SEQUENCE = (FRAMES_PER_SEQUENCE, len(JOINT_NAMES), 2)
LARGEST_READ = 1 << 20


@dataclass(frozen=True)
class Source:
    """An open pickle, or an open .npz."""

    file: io.BufferedIOBase  # seekable
    size: int  # in bytes
    check_contents: Callable[[], None] = lambda: None  # reads the whole file and raises if its checksum is wrong
    arrays: tuple[PickledArray, PickledArray] | None = None  # frames and labels of an .npz


@dataclass(frozen=True)
class LocatedArrays:
    """What a pickle contains, and where."""

    sequences: int  # their number
    frames_dtype: np.dtype
    labels_dtype: np.dtype
    frames: StoredBytes
    labels: StoredBytes


@contextlib.contextmanager
def open_source(path: StrPath) -> Iterator[Source]:
    """Yields the file at `path`; if that is a zip file, the only file in it or, of an .npz, its arrays.

    A UserError that is raised while the source is open gets the path in front of its message, and advice if the path is
    that of one part of a split file. Raises UserError if a zip file is damaged, is encrypted or contains anything else,
    or if the file is the last part of a split zip file; OSError if the file cannot be read.
    """
    try:
        with open(path, "rb") as file, contextlib.ExitStack() as stack:
            is_zipped = file.read(2) == b"PK"
            file.seek(0)
            if is_zipped:
                files, check_contents = stack.enter_context(unzipped(file))
                arrays = npz_arrays(files) if len(files) > 1 else None
                yield Source(files[0].file, files[0].size, check_contents, arrays)
            else:
                check_is_not_last_part(file)
                yield Source(file, os.fstat(file.fileno()).st_size)
    except UserError as error:
        advice = advice_on_parts(path)
        raise UserError(*(f"{path}: {message}{advice}" for message in error.messages)) from None


def locate_arrays(source: Source) -> LocatedArrays:
    """Locates the two arrays without reading their contents.

    Raises UserError if the source is not a tuple of frames, int8 or uint8 (N, 10, 64, 64, 3), and labels, float32 or
    float64 (N, 10, 7, 2), N > 0, in C order; if the file is cut short or continues after the pickle; or if its checksum
    is wrong. The checksum is checked last, so that no more of a zip file is unpacked than the size of the arrays.
    """
    arrays = source.arrays or _unpickled(source)
    if not isinstance(arrays, tuple) or len(arrays) != 2:
        raise _not_two_arrays()
    frames, labels = arrays
    if not isinstance(frames, PickledArray) or not isinstance(labels, PickledArray):
        raise _not_two_arrays()
    sequences, frames_dtype, stored_frames = _located("frames", frames, FRAMES_OF_SEQUENCE, ("i1", "u1"))
    labelled, labels_dtype, stored_labels = _located("labels", labels, LABELS_OF_SEQUENCE, ("f4", "f8"))
    if sequences != labelled:
        raise UserError(f"there are frames of {counted(sequences, 'sequence')} but labels of {labelled}; {SAVE_AGAIN}")
    if source.arrays is None and (unread := source.size - source.file.tell()) > 0:
        raise UserError(f"{unread} bytes follow the pickle of frames and labels, which must be alone; {SAVE_AGAIN}")
    source.check_contents()
    return LocatedArrays(sequences, frames_dtype, labels_dtype, stored_frames, stored_labels)


def _unpickled(source: Source) -> PickledValue:
    source.file.seek(0)
    return parse_pickle(source.file, source.size)


def _not_two_arrays() -> UserError:
    return UserError(f"the pickle is not a tuple of two NumPy arrays, frames and labels; {SAVE_AGAIN}")


def _located(
    name: str, array: PickledArray, shape_of_sequence: tuple[int, ...], codes: tuple[str, ...]
) -> tuple[int, np.dtype, StoredBytes]:
    """The number of sequences of an array, its dtype and its position. codes: of the allowed dtypes."""
    if array.state is None:
        raise UserError(f"the pickle contains no data for the {name}; {SAVE_AGAIN}")
    shape, code, stored = array.state.shape, array.state.dtype.code, array.state.contents
    if code not in codes:
        wanted = " or ".join(np.dtype(allowed).name for allowed in codes)
        found = ascii(code)[:LONGEST_NAME]
        is_fraction = name == "frames" and code.startswith("f")
        advice = "convert them" + (", as numpy.rint(255 * frames) if they go from 0 to 1" if is_fraction else "")
        raise UserError(f"the {name} have dtype {found}, not {wanted}; {advice}, then {SAVE_AGAIN}")
    if shape[1:] != shape_of_sequence:
        found = ", ".join(map(str, shape[:6])) + (", …" if len(shape) > 6 else "")
        wanted = ", ".join(map(str, shape_of_sequence))
        raise UserError(f"the {name} have shape ({found}), not (N, {wanted}); reshape them, then {SAVE_AGAIN}")
    if shape[0] == 0:
        raise UserError(f"the {name} contain no sequences; give a pickle that contains some")
    if array.state.fortran_order:
        raise UserError(f"the {name} are in Fortran order; apply numpy.ascontiguousarray, then {SAVE_AGAIN}")
    dtype = np.dtype(array.state.dtype.byte_order + code)
    size = math.prod(shape) * dtype.itemsize
    if isinstance(stored, StoredBytes):
        # In UTF-8, a character of latin1 takes one or two bytes.
        if stored.length == size or (stored.latin1 and size <= stored.length <= 2 * size):
            return shape[0], dtype, stored
        length = stored.length
    else:
        length = len(stored)
    raise UserError(f"the {name} should take {size} bytes, but the pickle contains {length}; {SAVE_AGAIN}")


def read_frames(source: Source, arrays: LocatedArrays, sequences_per_block: int) -> Iterator[np.ndarray]:
    """Yields the frames in order, in blocks: uint8 (S, 10, 64, 64, 3), S at most `sequences_per_block`.

    The bytes of int8 frames are reinterpreted as uint8. A block is overwritten by the next one. Raises UserError if the
    file has been cut short.
    """
    stored = arrays.frames
    yield from _read_blocks(source, stored, arrays.sequences, FRAMES_OF_SEQUENCE, np.uint8, sequences_per_block)


def read_labels(source: Source, arrays: LocatedArrays, sequences_per_block: int) -> Iterator[np.ndarray]:
    """Yields the labels in order, in blocks: (S, 10, 7, 2) of the pickle's dtype, in pixels, x then y.

    A block is overwritten by the next one. Raises UserError if the file has been cut short.
    """
    dtype = arrays.labels_dtype
    yield from _read_blocks(source, arrays.labels, arrays.sequences, LABELS_OF_SEQUENCE, dtype, sequences_per_block)


def _read_blocks(
    source: Source,
    stored: StoredBytes,
    sequences: int,
    shape_of_sequence: tuple[int, ...],
    dtype: npt.DTypeLike,
    sequences_per_block: int,
) -> Iterator[np.ndarray]:
    file = stored.file or source.file
    file.seek(stored.offset)
    reader = _Latin1Reader(file, stored.length) if stored.latin1 else file
    buffer = np.empty((min(sequences_per_block, sequences), *shape_of_sequence), dtype)
    for start in range(0, sequences, len(buffer)):
        block = buffer[: sequences - start]
        _fill(reader, block.reshape(-1).view(np.uint8).data)
        yield block
    if stored.latin1 and reader.readinto(memoryview(bytearray(1))):
        raise UserError(f"the pickle contains more bytes than its arrays take; {SAVE_AGAIN}")


def _fill(reader: io.BufferedIOBase | _Latin1Reader, destination: memoryview) -> None:
    filled = 0
    while filled < len(destination):
        count = reader.readinto(destination[filled : filled + LARGEST_READ])
        if not count:
            raise UserError("the pickle ends before its arrays are complete; download or copy it again")
        filled += count


class _Latin1Reader:
    """Reads bytes that Python 3 pickles as text in protocol 2: each byte is a character, encoded in UTF-8."""

    def __init__(self, file: io.BufferedIOBase, length: int) -> None:
        self._file = file
        self._unread = length
        self._undecoded = b""
        self._decoded = b""

    def readinto(self, destination: memoryview) -> int:
        """Fills the beginning of `destination`; returns the number of bytes, 0 at the end."""
        while not self._decoded and (self._unread or self._undecoded):
            self._decode_piece()
        count = min(len(destination), len(self._decoded))
        destination[:count] = self._decoded[:count]
        self._decoded = self._decoded[count:]
        return count

    def _decode_piece(self) -> None:
        piece = self._file.read(min(self._unread, LARGEST_READ))
        self._unread -= len(piece)
        try:
            text, used = codecs.utf_8_decode(self._undecoded + piece, "strict", not piece)
            self._decoded = text.encode("latin-1")
        except UnicodeError:
            raise UserError("the pickle is damaged: its bytes are not latin1 text; download or copy it again") from None
        self._undecoded = (self._undecoded + piece)[used:]
        if not piece:
            self._unread = 0
