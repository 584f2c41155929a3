"""The peers: what each is called, and what it needs."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

NO_OPTIONS: Mapping[str, int] = MappingProxyType({})


class Peer(NamedTuple):
    """A row of the table. module: in this folder. packages: that it imports, other than those that the project needs.

    files: the folder of the files that it makes, "" if none; peers may share it. in_memory: "sequences" or "frames" if
    all of these must fit into memory. options: of its `deliver`.
    """

    title: str
    module: str
    packages: tuple[str, ...] = ()
    files: str = ""
    in_memory: str = ""
    options: Mapping[str, int] = NO_OPTIONS


PEERS = {
    "ours": Peer("this project", "this_project"),
    "tfrecord": Peer("tf.data, TFRecord, shuffle buffer of 1000", "tfrecord", files="tfrecord"),
    "tfrecord-cached": Peer(
        "the same, cached in memory", "tfrecord", files="tfrecord", in_memory="sequences", options={"cached": 1}
    ),
    "generator": Peer("tf.data, generator over NumPy arrays", "numpy_generator", in_memory="sequences"),
    "grain": Peer("Grain, ArrayRecord", "grain_array_record", ("grain", "array_record"), files="array_record"),
    "torch": Peer("PyTorch DataLoader, h5py", "torch_h5py", ("torch",), files="hdf5", options={"workers": 0}),
    "torch-2": Peer("the same, 2 workers", "torch_h5py", ("torch",), files="hdf5", options={"workers": 2}),
    "take": Peer("numpy.take into a warm buffer: the limit", "numpy_take", in_memory="frames"),
}
