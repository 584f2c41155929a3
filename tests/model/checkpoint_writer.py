"""Writes TensorFlow's checkpoint files byte by byte, so that their index can say what no program writes.

The index is LevelDB's table of one block; TensorFlow's tensor_bundle.proto names the fields of its entries.
"""

import struct

import numpy as np

DTYPES = {"float32": 1, "float64": 2, "int32": 3, "int64": 9}
MAGIC = 0xDB4775248B80FB57
CASTAGNOLI = 0x82F63B78


def _crc_of_byte(value):
    for _ in range(8):
        value = value >> 1 ^ (CASTAGNOLI if value & 1 else 0)
    return value


TABLE = [_crc_of_byte(value) for value in range(256)]


def masked_crc32c(contents):
    """The checksum of bytes, as LevelDB stores it."""
    crc = 0xFFFFFFFF
    for byte in contents:
        crc = TABLE[(crc ^ byte) & 0xFF] ^ crc >> 8
    crc ^= 0xFFFFFFFF
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def varint(value):
    value &= (1 << 64) - 1
    parts = []
    while value > 0x7F:
        parts.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*parts, value])


def field(number, value):
    """A field of a protocol buffer: bytes as a message, an int as a varint."""
    if isinstance(value, bytes):
        return varint(number << 3 | 2) + varint(len(value)) + value
    return varint(number << 3) + varint(value)


def entry(dtype, shape, shard, offset, size, crc):
    """A BundleEntryProto."""
    dimensions = b"".join(field(2, field(1, length)) for length in shape)
    fields = field(1, dtype) + field(2, dimensions) + field(3, shard) + field(4, offset) + field(5, size)
    return fields + varint(6 << 3 | 5) + struct.pack("<I", crc)


def block(pairs):
    """A block of a table with its checksum. pairs: of bytes, sorted."""
    entries = b"".join(varint(0) + varint(len(key)) + varint(len(value)) + key + value for key, value in pairs)
    contents = entries + struct.pack("<II", 0, 1)
    return contents + b"\0" + struct.pack("<I", masked_crc32c(contents + b"\0"))


def handle(offset, with_checksum):
    return varint(offset) + varint(len(with_checksum) - 5)


def write_checkpoint(prefix, values, lie=None, shards=1):
    """Writes the index and the data of arrays by name. lie: changes the fields of entries, dicts by name, in place.

    shards: how many data files the index claims. All checksums of the index are right.
    """
    data, entries = b"", {}
    for name, value in sorted(values.items()):
        contents = np.ascontiguousarray(value).tobytes()
        numbers = {"dtype": DTYPES[value.dtype.name], "shape": value.shape, "shard": 0, "offset": len(data)}
        entries[name] = {**numbers, "size": len(contents), "crc": masked_crc32c(contents)}
        data += contents
    if lie is not None:
        lie(entries)
    header = field(1, shards) + field(3, field(1, 1))
    pairs = [(b"", header), *((name.encode(), entry(**fields)) for name, fields in entries.items())]
    body, metaindex = block(pairs), block([])
    index = block([(max(entries).encode() + b"\xff", handle(0, body))])
    handles = handle(len(body), metaindex) + handle(len(body) + len(metaindex), index)
    footer = handles.ljust(40, b"\0") + struct.pack("<Q", MAGIC)
    with open(f"{prefix}.index", "wb") as file:
        file.write(body + metaindex + index + footer)
    with open(f"{prefix}.data-00000-of-00001", "wb") as file:
        file.write(data)


def changed(**changes):
    """A lie about the last value. changes: of its fields, or functions of its fields."""

    def lie(entries):
        fields = entries[max(entries)]
        fields.update({name: change(fields) if callable(change) else change for name, change in changes.items()})

    return {"lie": lie}


LIES = {
    "2^31 - 1 files of data": {"shards": 2**31 - 1},
    "no file of data": {"shards": 0},
    "-1 files of data": {"shards": -1},
    "the data of file 7": changed(shard=7),
    "the data of file -1": changed(shard=-1),
    "data beyond the end": changed(offset=2**40),
    "data before the beginning": changed(offset=-8),
    "data at 2^63 - 1": changed(offset=2**63 - 1),
    "a terabyte of data": changed(size=2**40),
    "-1 bytes of data": changed(size=-1),
    "no data": changed(size=0),
    "dimensions of more than 2^63": changed(shape=(2**62, 2**62)),
    "dimensions of more than 2^63 and none": changed(shape=(2**62, 2**62, 0), size=0),
    "a negative dimension": changed(shape=(-3, 5)),
    "300 dimensions": changed(shape=(1,) * 300),
    "no type": changed(dtype=0),
    "a type that is none": changed(dtype=9999),
    "texts": changed(dtype=7),
    "2^30 texts": changed(dtype=7, shape=(2**30,)),
    "handles": changed(dtype=20),
    "objects": changed(dtype=21),
    "another checksum": changed(crc=lambda fields: fields["crc"] ^ 1),
}
# It takes TensorFlow ten seconds to give up on these.
LARGE_LIES = {
    "a shape of 4 terabytes": changed(shape=(2**20, 2**20)),
    "a terabyte of a shape and of data": changed(shape=(2**20, 2**18), size=2**40),
}
