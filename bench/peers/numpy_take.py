"""`numpy.take` from all distinct frames in memory into the same buffer again and again: what memory can do."""

from __future__ import annotations

import numpy as np

from bench.peers.task import Delivery, Task, random_batches
from pipeline.store.reader import SequenceStore


def deliver(task: Task) -> Delivery:
    """Reads the distinct frames and the labels into memory, then copies batches from there."""
    with SequenceStore(task.data) as store:
        sequences = store.read_frame_numbers(np.arange(len(store)))
        frames = store.read_frames(np.arange(store.number_of_frames))
        labels = store.read_labels(np.arange(len(store)))
    batch_of_frames = np.empty((task.batch_size, *task.shape.frames), np.uint8)
    batch_of_labels = np.empty((task.batch_size, *task.shape.labels), np.float32)
    batches = random_batches(task.sequences, task.batch_size)

    def take() -> tuple[np.ndarray, np.ndarray]:
        numbers = next(batches)
        # Mode "clip" writes to `out` without a copy; no number is out of range.
        np.take(frames, sequences[numbers], axis=0, out=batch_of_frames, mode="clip")
        np.take(labels, numbers, axis=0, out=batch_of_labels, mode="clip")
        return batch_of_frames, batch_of_labels

    return Delivery(take, take)
