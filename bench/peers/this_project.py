"""This project's data set over DATA.h5 itself."""

from __future__ import annotations

import numpy as np

from bench.peers.task import SEED, Delivery, Task, deliver_dataset
from pipeline.batch_order import BatchOrder
from pipeline.dataset import make_dataset
from pipeline.store.reader import SequenceStore
from pipeline.tensorflow_v1 import tf

# TensorFlow is imported when it is first used.
_ = tf.Session


def deliver(task: Task) -> Delivery:
    """Delivers what train.py trains on, with the default memory for frames.

    The last sequences are left out if they do not fill a batch, so that all batches are of the same size.
    """
    whole = task.sequences // task.batch_size * task.batch_size
    order = BatchOrder(np.arange(whole, dtype=np.int32), task.batch_size, SEED)
    store = SequenceStore(task.data)
    return deliver_dataset(tf, lambda: make_dataset(store, order))
