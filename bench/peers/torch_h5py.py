"""PyTorch's DataLoader over whole sequences in an HDF5 file, read with h5py.

https://docs.pytorch.org/docs/stable/data.html: a map-style data set, the default collate function, `shuffle=True`. The
labels are in memory, as in https://docs.pytorch.org/tutorials/beginner/basics/data_tutorial.html. Each worker opens the
file for itself: an open HDF5 file must not be used after a fork. The frames are stored in h5py's default layout, which
is contiguous: it is faster than chunks of one sequence, and three times as fast as the distinct frames of DATA.h5.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import partial

import h5py
import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

from bench.peers.task import SEED, Delivery, Task, read_all_sequences
from pipeline.store.reader import SequenceStore

FILE_NAME = "sequences.h5"


def write(data: str, folder: str) -> None:
    """Writes frames and labels of all sequences of a store, a data set each."""
    with SequenceStore(data) as store:
        count, shape = len(store), store.shape
    with h5py.File(os.path.join(folder, FILE_NAME), "w") as file:
        all_frames = file.create_dataset("frames", (count, *shape.frames), np.uint8)
        all_labels = file.create_dataset("labels", (count, *shape.labels), np.float32)
        start = 0
        for frames, labels in read_all_sequences(data, "writing HDF5"):
            end = start + len(frames)
            all_frames[start:end], all_labels[start:end] = frames, labels
            start = end


class Sequences(Dataset[tuple[np.ndarray, np.ndarray]]):
    """The sequences of such a file, which each process opens when it reads the first one."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._frames: h5py.Dataset | None = None
        with h5py.File(path, "r") as file:
            self._labels = file["labels"][:]

    def __len__(self) -> int:
        return len(self._labels)

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        if self._frames is None:
            self._frames = h5py.File(self._path, "r")["frames"]
        return self._frames[index], self._labels[index]


def deliver(task: Task) -> Delivery:
    """Delivers batches as tensors. The option `workers` is the number of worker processes, 0 for none."""
    # As DataLoader does in its workers. Otherwise the threads that collate get in each other's way.
    torch.set_num_threads(1)
    workers = task.options["workers"]
    loader = DataLoader(
        Sequences(os.path.join(task.folder, FILE_NAME)),
        task.batch_size,
        shuffle=True,
        num_workers=workers,
        persistent_workers=workers > 0,
        drop_last=True,
        generator=torch.Generator().manual_seed(SEED),
    )
    batches = _endless(loader)

    def arrays() -> tuple[np.ndarray, np.ndarray]:
        frames, labels = next(batches)
        return frames.numpy(), labels.numpy()

    return Delivery(partial(next, batches), arrays)


def _endless(loader: DataLoader[tuple[np.ndarray, np.ndarray]]) -> Iterator[list[torch.Tensor]]:
    while True:
        yield from loader
