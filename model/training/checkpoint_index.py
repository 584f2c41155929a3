"""Reads the index of a training checkpoint before TensorFlow does, which aborts the process where an index lies.

The index is a table of LevelDB; its values are a BundleHeaderProto and BundleEntryProtos, which TensorFlow's
tensor_bundle.proto describes. tf.train.load_checkpoint was considered: it does not check what it is told.
"""

from __future__ import annotations

import math
import os
import struct
from collections.abc import Iterator
from typing import Any

DATA_FILE = ".data-00000-of-00001"
LARGEST_INDEX = 1 << 24
BYTES_OF_FOOTER = 48
# The numbers of float32, float64, int32 and int64 in types.proto, and the bytes of each.
BYTES_OF_DTYPES = {1: 4, 2: 8, 3: 4, 9: 8}
DTYPE, SHAPE, SHARD, OFFSET, SIZE, CHECKSUM = range(1, 7)
MOST_DIMENSIONS = 8


def is_sound_index(prefix: str) -> bool:
    """Whether each value of the checkpoint has a type that a run saves and lies whole in the one data file.

    prefix: the path of the checkpoint's files without endings. Checksums are left to TensorFlow.
    """
    try:
        if os.path.getsize(f"{prefix}.index") > LARGEST_INDEX:
            return False
        with open(f"{prefix}.index", "rb") as file:
            entries = list(_values_of_table(file.read()))
        bytes_of_data = os.path.getsize(prefix + DATA_FILE)
        # The header comes first.
        return len(entries) > 1 and all(_is_sound_entry(entry, bytes_of_data) for entry in entries[1:])
    except (OSError, ValueError, TypeError, LookupError, struct.error):
        return False


def _values_of_table(table: bytes) -> Iterator[bytes]:
    """The values in order of their keys."""
    footer = table[-BYTES_OF_FOOTER:]
    _, place = _block(table, footer, 0)
    index, _ = _block(table, footer, place)
    for handle in _values_of_block(index):
        yield from _values_of_block(_block(table, handle, 0)[0])


def _block(table: bytes, handle: bytes, place: int) -> tuple[bytes, int]:
    """The block that the handle at this place names, and the place after the handle. Raises ValueError, IndexError."""
    offset, place = read_varint(handle, place)
    size, place = read_varint(handle, place)
    if table[offset + size] != 0:
        raise ValueError("a compressed block, which TensorFlow does not write")
    return table[offset : offset + size], place


def _values_of_block(block: bytes) -> Iterator[bytes]:
    [restarts] = struct.unpack("<I", block[-4:])
    place, end = 0, len(block) - 4 * (restarts + 1)
    while place < end:
        _, place = read_varint(block, place)
        bytes_of_key, place = read_varint(block, place)
        size, place = read_varint(block, place)
        place += bytes_of_key + size
        yield block[place - size : place]


def _is_sound_entry(entry: bytes, bytes_of_data: int) -> bool:
    fields = dict(_fields(entry))
    if len(fields) < len(list(_fields(entry))) or not fields.keys() <= set(range(DTYPE, CHECKSUM + 1)):
        return False
    dimensions = [dict(_fields(dimension)).get(1, 0) for _, dimension in _fields(fields.get(SHAPE, b""))]
    size, width = fields.get(SIZE, 0), BYTES_OF_DTYPES.get(fields.get(DTYPE, 0), 0)
    return (
        len(dimensions) <= MOST_DIMENSIONS
        and all(dimensions)
        and 0 < size == width * math.prod(dimensions)
        and fields.get(SHARD, 0) == 0
        and fields.get(OFFSET, 0) + size <= bytes_of_data
    )


def _fields(message: bytes) -> Iterator[tuple[int, Any]]:
    """The numbers and values of a protocol buffer's fields: int for varints and fixed ones, bytes for the rest."""
    place = 0
    while place < len(message):
        key, place = read_varint(message, place)
        kind = key & 7
        if kind == 0:
            value, place = read_varint(message, place)
            yield key >> 3, value
        else:
            size, place = read_varint(message, place) if kind == 2 else ({1: 8, 5: 4}[kind], place)
            place += size
            yield key >> 3, message[place - size : place]


def read_varint(contents: bytes, place: int) -> tuple[int, int]:
    """The number at this place, and the place after it. Raises IndexError where it is cut short."""
    number = shift = 0
    while True:
        byte = contents[place]
        number |= (byte & 0x7F) << shift
        place, shift = place + 1, shift + 7
        if byte < 0x80:
            return number, place
