"""Reads rows of a checked data set from its chunks in the file, without HDF5.

HDF5 holds the interpreter's lock and its own while it reads, and copies each row three times. Here, neighbouring rows
or chunks are read at once, and other threads run meanwhile.
"""

from __future__ import annotations

import io
import itertools
import math
import os
import threading
from collections.abc import Iterator

import numpy as np

from pipeline.store.fletcher32 import fletcher32
from pipeline.store.layout import CHECKSUM_BYTES, DatasetLayout

# Chunks with checksums are read, verified and copied in pieces that fit into a processor's cache.
BYTES_PER_PIECE = 1 << 18
# TensorFlow uses an array of a generator without a copy only if it is aligned like this.
ALIGNMENT = 64


class RandomAccessFile:
    """A file whose bytes can be read at any offset, from several threads. Raises OSError if it cannot be opened."""

    def __init__(self, path: str) -> None:
        self._file = io.FileIO(path)
        self._seeking = threading.Lock()

    def close(self) -> None:
        self._file.close()

    def read_into(self, buffer: memoryview, offset: int) -> None:
        """Fills the buffer. Raises OSError if the file ends before, ValueError if it is closed."""
        while buffer:
            count = self._read_some(buffer, offset)
            if not count:
                raise OSError("the file has become shorter")
            buffer = buffer[count:]
            offset += count

    def _read_some(self, buffer: memoryview, offset: int) -> int:
        if hasattr(os, "preadv"):
            return os.preadv(self._file.fileno(), [buffer], offset)
        with self._seeking:
            self._file.seek(offset)
            return self._file.readinto(buffer)


class ChunkedRows:
    """The rows of a data set: (N, *row). Each chunk contains whole rows, and perhaps their Fletcher-32 checksum.

    offsets: int64 (C,), the offset in the file of each chunk.
    """

    def __init__(self, number: int, layout: DatasetLayout, rows_per_chunk: int, offsets: np.ndarray) -> None:
        self.number = number
        self._layout = layout
        self._row_bytes = math.prod(layout.shape) * layout.dtype.itemsize
        self._rows_per_chunk = rows_per_chunk
        self._chunk_bytes = layout.chunk_bytes(rows_per_chunk)
        self._offsets = offsets

    def read(self, file: RandomAccessFile, numbers: np.ndarray) -> np.ndarray:
        """The rows with these numbers: ints of any shape (...), in any order, to (..., *row).

        Raises OSError if one cannot be read, ValueError if a checksum does not match or the file is closed.
        """
        flat = np.ravel(numbers)
        rows = _aligned_bytes(flat.size * self._row_bytes).reshape(flat.size, self._row_bytes)
        if not self._layout.has_fletcher32:
            self._read_rows(file, flat, rows)
        elif (np.diff(flat) >= 0).all():
            for part, piece in self._read_ascending(file, flat):
                rows[part] = piece
        else:
            order = np.argsort(flat, kind="stable")
            for part, piece in self._read_ascending(file, flat[order]):
                rows[order[part]] = piece
        return rows.view(self._layout.dtype).reshape((*np.shape(numbers), *self._layout.shape))

    def _read_rows(self, file: RandomAccessFile, numbers: np.ndarray, rows: np.ndarray) -> None:
        """Reads rows into `rows`, uint8 (B, row_bytes); those that follow one another in the file at once."""
        chunks, places = np.divmod(numbers, self._rows_per_chunk)
        offsets = self._offsets[chunks] + places * self._row_bytes
        for first, end in _stretches(offsets, self._row_bytes):
            file.read_into(rows[first:end].reshape(-1).data, int(offsets[first]))

    def _read_ascending(self, file: RandomAccessFile, numbers: np.ndarray) -> Iterator[tuple[slice, np.ndarray]]:
        """Yields parts of ascending row numbers, and their rows as bytes: uint8 (B, row_bytes)."""
        chunks, places = np.divmod(numbers, self._rows_per_chunk)
        is_first = np.diff(chunks, prepend=-1) > 0
        starts = np.flatnonzero(is_first)
        ranks = np.cumsum(is_first) - 1
        step = max(1, BYTES_PER_PIECE // self._chunk_bytes)
        for first in range(0, len(starts), step):
            end = starts[first + step] if first + step < len(starts) else len(numbers)
            part = slice(starts[first], end)
            stored = self._read_chunks(file, chunks[starts[first : first + step]])
            yield part, stored.reshape(len(stored), -1, self._row_bytes)[ranks[part] - first, places[part]]

    def _read_chunks(self, file: RandomAccessFile, chunks: np.ndarray) -> np.ndarray:
        """The contents of ascending chunks, verified: uint8 (K, bytes of the rows)."""
        stored = np.empty((len(chunks), self._chunk_bytes), np.uint8)
        offsets = self._offsets[chunks]
        for first, end in _stretches(offsets, self._chunk_bytes):
            file.read_into(stored[first:end].reshape(-1).data, int(offsets[first]))
        contents = stored[:, :-CHECKSUM_BYTES]
        checksums = np.ascontiguousarray(stored[:, -CHECKSUM_BYTES:]).view("<u4")[:, 0]
        if not np.array_equal(fletcher32(contents), checksums):
            raise ValueError("a checksum does not match")
        return contents


def _stretches(offsets: np.ndarray, size: int) -> Iterator[tuple[int, int]]:
    """Yields the runs of pieces of this size that follow one another in the file, as (first place, end)."""
    ends = (np.flatnonzero(np.diff(offsets) != size) + 1).tolist()
    if len(offsets):
        yield from itertools.pairwise([0, *ends, len(offsets)])


def _aligned_bytes(count: int) -> np.ndarray:
    """An uninitialized array, uint8 (count,), that is aligned to ALIGNMENT bytes."""
    contents = np.empty(count + ALIGNMENT, np.uint8)
    start = -contents.ctypes.data % ALIGNMENT
    return contents[start : start + count]
