"""Writes TensorFlow's checkpoint files byte by byte, with an index that may contradict the data.

The index is a LevelDB table of one block; its values are a BundleHeaderProto and BundleEntryProtos.
"""

import importlib
import struct

import numpy as np

from pipeline.tensorflow_v1 import tf

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
    parts = []
    while value > 0x7F:
        parts.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*parts, value])


def block(pairs):
    """A block of a table with its checksum. pairs: sorted (key, value) bytes."""
    entries = b"".join(varint(0) + varint(len(key)) + varint(len(value)) + key + value for key, value in pairs)
    contents = entries + struct.pack("<II", 0, 1)
    return contents + b"\0" + struct.pack("<I", masked_crc32c(contents + b"\0"))


def handle(offset, with_checksum):
    return varint(offset) + varint(len(with_checksum) - 5)


def write_checkpoint(prefix, values, shards=1, **lies):
    """Writes the index and the data of arrays by name, with valid checksums of the index.

    shards: the number of data files that the index claims. lies: false values for fields of the last BundleEntryProto.
    """
    _ = tf.train  # imports TensorFlow with this project's settings
    protos = importlib.import_module("tensorflow.core.protobuf.tensor_bundle_pb2")
    data, entries = b"", {}
    for name, value in sorted(values.items()):
        contents = np.ascontiguousarray(value).tobytes()
        entry = protos.BundleEntryProto(dtype=DTYPES[value.dtype.name], offset=len(data), size=len(contents))
        entry.crc32c = masked_crc32c(contents)
        set_shape(entry, value.shape)
        entries[name] = entry
        data += contents
    for field, value in lies.items():
        set_shape(entry, value) if field == "shape" else setattr(entry, field, value)
    header = protos.BundleHeaderProto(num_shards=shards)
    header.version.producer = 1
    pairs = [(b"", header), *((name.encode(), entry) for name, entry in entries.items())]
    body, metaindex = block([(key, value.SerializeToString()) for key, value in pairs]), block([])
    index = block([(max(entries).encode() + b"\xff", handle(0, body))])
    handles = handle(len(body), metaindex) + handle(len(body) + len(metaindex), index)
    footer = handles.ljust(40, b"\0") + struct.pack("<Q", MAGIC)
    with open(f"{prefix}.index", "wb") as file:
        file.write(body + metaindex + index + footer)
    with open(f"{prefix}.data-00000-of-00001", "wb") as file:
        file.write(data)


def set_shape(entry, shape):
    del entry.shape.dim[:]
    for size in shape:
        entry.shape.dim.add(size=size)


LIES = {
    "2^31 - 1 data files": {"shards": 2**31 - 1},
    "no data file": {"shards": 0},
    "-1 data files": {"shards": -1},
    "data file 7": {"shard_id": 7},
    "data file -1": {"shard_id": -1},
    "data beyond the end": {"offset": 2**40},
    "data before the beginning": {"offset": -8},
    "data at 2^63 - 1": {"offset": 2**63 - 1},
    "a terabyte of data": {"size": 2**40},
    "-1 bytes of data": {"size": -1},
    "no data": {"size": 0},
    "dimensions of more than 2^63": {"shape": (2**62, 2**62)},
    "dimensions of more than 2^63 and 0": {"shape": (2**62, 2**62, 0), "size": 0},
    "a negative dimension": {"shape": (-3, 5)},
    "300 dimensions": {"shape": (1,) * 300},
    "no type": {"dtype": 0},
    "an unknown type": {"dtype": 9999},
    "strings": {"dtype": 7},
    "2^30 strings": {"dtype": 7, "shape": (2**30,)},
    "handles": {"dtype": 20},
    "objects": {"dtype": 21},
    "a wrong checksum": {"crc32c": 1},
}
# TensorFlow retries the allocation for ten seconds.
LARGE_LIES = {
    "a shape of 4 terabytes": {"shape": (2**20, 2**20)},
    "a terabyte of a shape and of data": {"shape": (2**20, 2**18), "size": 2**40},
}
