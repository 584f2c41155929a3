"""`tf.data` over TFRecord files of whole sequences, as TensorFlow's guide to its performance advises.

https://www.tensorflow.org/guide/data_performance: files are read with a parallel `interleave`, what is parsed is parsed
a batch at a time, in parallel, and batches are prefetched; `cache` keeps the data in memory if they fit. Ten files
for one host that reads are what https://www.tensorflow.org/tutorials/load_data/tfrecord advises.
"""

from __future__ import annotations

import contextlib
import os

import tensorflow as tf  # noqa: TID251

from bench.peers.task import SEED, Delivery, Task, deliver_dataset, read_all_sequences
from pipeline.sequence_shape import SequenceShape

FILES = 10
SHUFFLE_BUFFER = 1000
FEATURES = {name: tf.io.FixedLenFeature([], tf.string) for name in ("frames", "labels")}


def write(data: str, folder: str) -> None:
    """Writes the sequences of a store to FILES TFRecord files, in turn."""
    with contextlib.ExitStack() as files:
        paths = [os.path.join(folder, f"{number}-of-{FILES}.tfrecord") for number in range(FILES)]
        writers = [files.enter_context(tf.io.TFRecordWriter(path)) for path in paths]
        count = 0
        for block in read_all_sequences(data, "writing TFRecord"):
            for frames, labels in zip(*block, strict=True):
                arrays = {"frames": frames, "labels": labels}
                features = {name: _bytes_feature(array.tobytes()) for name, array in arrays.items()}
                example = tf.train.Example(features=tf.train.Features(feature=features))
                writers[count % FILES].write(example.SerializeToString())
                count += 1


def deliver(task: Task) -> Delivery:
    """Delivers batches in the order that a shuffle buffer gives. The option `cached` keeps all records in memory."""
    return deliver_dataset(tf.compat.v1, lambda: _make_dataset(task))


def _make_dataset(task: Task) -> tf.data.Dataset:
    files = tf.data.Dataset.list_files(os.path.join(task.folder, "*.tfrecord"), seed=SEED)
    records = files.interleave(tf.data.TFRecordDataset, num_parallel_calls=tf.data.AUTOTUNE, deterministic=False)
    if task.options.get("cached"):
        records = records.cache()
    records = records.shuffle(SHUFFLE_BUFFER, seed=SEED).repeat().batch(task.batch_size)
    batches = records.map(lambda batch: _parse(batch, task.shape), num_parallel_calls=tf.data.AUTOTUNE)
    return batches.prefetch(tf.data.AUTOTUNE)


def _parse(batch: tf.Tensor, shape: SequenceShape) -> tuple[tf.Tensor, tf.Tensor]:
    parsed = tf.io.parse_example(batch, FEATURES)
    frames, labels = tf.io.decode_raw(parsed["frames"], tf.uint8), tf.io.decode_raw(parsed["labels"], tf.float32)
    return tf.reshape(frames, [-1, *shape.frames]), tf.reshape(labels, [-1, *shape.labels])


def _bytes_feature(value: bytes) -> tf.train.Feature:
    return tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))
