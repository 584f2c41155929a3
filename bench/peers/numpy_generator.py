"""A `tf.data` generator over NumPy arrays of all sequences in memory, as the course's pickle holds them.

An element is a whole batch. https://www.tensorflow.org/guide/data#consuming_python_generators
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import tensorflow as tf  # noqa: TID251

from bench.peers.task import Delivery, Task, deliver_dataset, random_batches, read_all_sequences


def deliver(task: Task) -> Delivery:
    """Reads the store into memory, then delivers batches from there."""
    frames = np.empty((task.sequences, *task.shape.frames), np.uint8)
    labels = np.empty((task.sequences, *task.shape.labels), np.float32)
    start = 0
    for some_frames, some_labels in read_all_sequences(task.data, "reading into memory"):
        end = start + len(some_frames)
        frames[start:end], labels[start:end] = some_frames, some_labels
        start = end

    def batches() -> Iterator[tuple[np.ndarray, np.ndarray]]:
        for numbers in random_batches(task.sequences, task.batch_size):
            yield frames[numbers], labels[numbers]

    signature = (
        tf.TensorSpec((None, *task.shape.frames), tf.uint8),
        tf.TensorSpec((None, *task.shape.labels), tf.float32),
    )
    return deliver_dataset(
        tf.compat.v1,
        lambda: tf.data.Dataset.from_generator(batches, output_signature=signature).prefetch(tf.data.AUTOTUNE),
    )
