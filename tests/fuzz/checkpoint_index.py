"""Changes the file `.index` of a checkpoint and keeps its checksums correct.

It is a table in LevelDB's format: blocks of entries, each followed by a byte for the compression, 0 for none, and by a
masked CRC-32C. The last 48 bytes locate the block that locates the others.
"""

from __future__ import annotations

import struct
from random import Random

from tests.model.checkpoint_writer import MAGIC, block, handle

FOOTER_BYTES = 48
Entries = list[tuple[bytes, bytes]]  # keys and values
MAGIC_BYTES = struct.pack("<Q", MAGIC)


def changed_table(table: bytes, drawn: Random) -> bytes:
    """The table with one to three of its keys and values changed; unchanged if it is damaged already."""
    try:
        entries = _read_entries(table)
    except (ValueError, IndexError, struct.error):
        return table
    for _ in range(drawn.randint(1, 3)):
        _change_entries(entries, drawn)
    return _write_entries(entries)


def _change_entries(entries: Entries, drawn: Random) -> None:
    if not entries:
        entries.append((b"", b"\x08\x01"))
        return
    place = drawn.randrange(len(entries))
    key, value = entries[place]
    match drawn.randrange(4):
        case 0:
            del entries[place]
        case 1:
            entries[place] = (key[:-1] + bytes([drawn.randrange(256)]), value)
        case 2:
            entries.insert(place, drawn.choice(entries))
        case _:
            changed = bytearray(value) or bytearray(1)
            changed[drawn.randrange(len(changed))] = drawn.choice([0, 1, 127, 128, 255, drawn.randrange(256)])
            if drawn.random() < 0.2:
                changed[-1:] = b"\xff\xff\xff\xff\xff\xff\xff\xff\x7f"
            entries[place] = (key, bytes(changed))


def _read_entries(table: bytes) -> Entries:
    """The entries of the table; raises ValueError, IndexError or struct.error if it is damaged."""
    if table[-len(MAGIC_BYTES) :] != MAGIC_BYTES:
        raise ValueError("no table")
    footer = len(table) - FOOTER_BYTES
    _, place = _read_handle(table, footer)
    (start, size), _ = _read_handle(table, place)
    entries: Entries = []
    for _, located in _read_block(table, start, size):
        entries += _read_block(table, *_read_handle(located, 0)[0])
    return entries


def _write_entries(entries: Entries) -> bytes:
    """A table with these entries in one block, in this order."""
    body, metaindex = block(entries), block([])
    index = block([(b"\xff", handle(0, body))])
    handles = handle(len(body), metaindex) + handle(len(body) + len(metaindex), index)
    footer = handles.ljust(FOOTER_BYTES - len(MAGIC_BYTES), b"\0") + MAGIC_BYTES
    return body + metaindex + index + footer


def _read_block(table: bytes, start: int, size: int) -> Entries:
    contents = table[start : start + size]
    [restarts] = struct.unpack("<I", contents[-4:])
    end, place, key = len(contents) - 4 * (1 + restarts), 0, b""
    entries: Entries = []
    while place < end:
        shared, place = read_varint(contents, place)
        added, place = read_varint(contents, place)
        length, place = read_varint(contents, place)
        key = key[:shared] + contents[place : place + added]
        place += added
        entries.append((key, contents[place : place + length]))
        place += length
    return entries


def _read_handle(contents: bytes, place: int) -> tuple[tuple[int, int], int]:
    start, place = read_varint(contents, place)
    size, place = read_varint(contents, place)
    return (start, size), place


def read_varint(contents: bytes, place: int) -> tuple[int, int]:
    """The number at this place, and the place after it."""
    number = shift = 0
    while True:
        byte = contents[place]
        number |= (byte & 0x7F) << shift
        place, shift = place + 1, shift + 7
        if byte < 0x80:
            return number, place
