"""Changes of the file `.index` of a checkpoint that leave its checksums right.

It is a table in LevelDB's format: blocks of entries, each followed by a byte for the compression, 0 for none, and by a
masked CRC-32C; the last 48 bytes locate the block that locates the others. No package that the project needs computes
CRC-32C, and TensorFlow has no writer of such tables for Python.
"""

import struct

FOOTER_BYTES = 48
MAGIC = struct.pack("<Q", 0xDB4775248B80FB57)
BLOCK_END = struct.Struct("<BI")


def changed_table(table, drawn):
    """The table with one to three of its keys and values changed, or as it is where it is damaged already."""
    try:
        entries = _read_entries(table)
    except (ValueError, IndexError, struct.error):
        return table
    for _ in range(drawn.randint(1, 3)):
        _change_entries(entries, drawn)
    return _write_entries(entries)


def _change_entries(entries, drawn):
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


def _read_entries(table):
    """The (key, value) pairs of bytes in the table; raises ValueError or IndexError where it is damaged."""
    if table[-len(MAGIC) :] != MAGIC:
        raise ValueError("no table")
    footer = len(table) - FOOTER_BYTES
    _, place = _read_handle(table, footer)
    (start, size), _ = _read_handle(table, place)
    entries = []
    for _, handle in _read_block(table, start, size):
        entries += _read_block(table, *_read_handle(handle, 0)[0])
    return entries


def _write_entries(entries):
    """The table of one block that holds these (key, value) pairs, in their order."""
    table = b""
    handles = []
    for block in (_block(entries), _block([])):
        handles.append(_varint(len(table)) + _varint(len(block) - BLOCK_END.size))
        table += block
    located = _block([(b"\xff", handles[0])])
    located_handle = _varint(len(table)) + _varint(len(located) - BLOCK_END.size)
    footer = (handles[1] + located_handle).ljust(FOOTER_BYTES - len(MAGIC), b"\0") + MAGIC
    return table + located + footer


def _read_block(table, start, size):
    contents = table[start : start + size]
    [restarts] = struct.unpack("<I", contents[-4:])
    end, place, key, entries = len(contents) - 4 * (1 + restarts), 0, b"", []
    while place < end:
        shared, place = _read_varint(contents, place)
        added, place = _read_varint(contents, place)
        length, place = _read_varint(contents, place)
        key = key[:shared] + contents[place : place + added]
        place += added
        entries.append((key, contents[place : place + length]))
        place += length
    return entries


def _block(entries):
    """The block and its end. Each entry stands for itself: none leaves out what it shares with the one before."""
    contents = b"".join(
        _varint(0) + _varint(len(key)) + _varint(len(value)) + key + value for key, value in entries
    ) + struct.pack("<II", 0, 1)
    crc = _crc32c(contents + b"\0")
    masked = ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF
    return contents + BLOCK_END.pack(0, masked)


def _read_handle(contents, place):
    start, place = _read_varint(contents, place)
    size, place = _read_varint(contents, place)
    return (start, size), place


def _read_varint(contents, place):
    number = shift = 0
    while True:
        byte = contents[place]
        number |= (byte & 127) << shift
        place, shift = place + 1, shift + 7
        if byte < 128:
            return number, place


def _varint(number):
    encoded = bytearray()
    while number > 127:
        encoded.append(number & 127 | 128)
        number >>= 7
    return bytes([*encoded, number])


def _remainder(byte):
    for _ in range(8):
        byte = byte >> 1 ^ (0x82F63B78 if byte & 1 else 0)
    return byte


_REMAINDERS = [_remainder(byte) for byte in range(256)]


def _crc32c(contents):
    crc = 0xFFFFFFFF
    for byte in contents:
        crc = _REMAINDERS[(crc ^ byte) & 255] ^ crc >> 8
    return crc ^ 0xFFFFFFFF
