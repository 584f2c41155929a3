"""The `tf.data` data set that training reads: an endless stream of batches of uint8 frames and their labels.

A Python generator is slow to hand over arrays and quick to hand over numbers. Sequences overlap, so each frame is in
many sequences. Therefore a frame passes through the generator about once an epoch, not once for each sequence:

1. The generator reads frames from the HDF5 file, a few videos at a time. It hands over a *round*: the new frames, and
   for each of the batches that follow, only the rows of the window that contain its frames.
2. The new frames are written to the *window*, a variable of the graph that holds the frames now in use. This is done
   while the batches of the previous round are gathered, so the window has room for one more load of frames.
3. Each batch is gathered from the window, by a TensorFlow op that does not need Python's lock.
4. The batch is augmented, if requested, by TensorFlow ops in parallel with training.
5. Several batches are ready before training asks for them.

`frame_window` decides which frames are in the window at what time, `batch_order` the order of the sequences.

Batches stay uint8, a quarter of the size of float32. Normalization is the first part of the network
(`normalization.normalize_frames`), so that it is the same in the graph that is trained and in the one that is exported.
"""

from __future__ import annotations

import contextlib
import math
import re
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from pipeline.augmentation.augment import Augmentation, BatchRows, augment
from pipeline.batch_order import BatchOrder, BatchPart
from pipeline.frame_window import Round, ring_rows, rounds
from pipeline.reading_gate import GATE
from pipeline.sample_source import SampleShape, SampleSource
from pipeline.store.reader import SequenceStore
from pipeline.tensorflow_v1 import keep_freed_memory, tf
from support.user_error import UserError

# Rounds that are read, and their frames written, while the batches of the current round are gathered. With another
# number, frame_window.ring_rows must leave room for as many loads.
ROUNDS_AHEAD = 1
# While the generator plans a round, it holds Python's global lock, and the training loop must wait. So more than one
# batch is gathered in advance: as many as fit into PREFETCHED_BYTES, from 2 to PREFETCHED_BATCHES.
PREFETCHED_BATCHES = 8
PREFETCHED_BYTES = 8e6


def make_dataset(
    store: SequenceStore,
    order: BatchOrder,
    augmentation: Augmentation | None = None,
    part: BatchPart | None = None,
) -> tf.data.Dataset:
    """An endless data set of batches: frames, uint8 (B, 10, 64, 64, 3), and labels, float32 (B, 10, 7, 2).

    store: stays open until the session is closed. order: the sequences of each batch. augmentation: applied to every
    batch. part: the part of each batch to return, for one worker of a cluster. Unless that is the whole batch, a third
    element follows: an int32 scalar, the number of sequences in the whole batch. If the part has no sequences, one of
    another part is returned; shared_step gives it weight zero in the loss.

    The window is a local variable: initialize the graph's local variables and an initializable iterator.
    """
    if part is None or part.is_whole:
        part = None
        dataset = gathered_batches(store, order, store.shape.samples)
    else:
        needs_previous = augmentation is not None and "background" in augmentation.kinds
        gather = partial(gather_part, part, needs_previous)
        dataset = gathered_batches(store, order, store.shape.samples, gather)
    if augmentation is not None:
        augmented = without_autograph(partial(augment_batch, augmentation))
        dataset = dataset.enumerate(augmentation.first_step).map(augmented)
    if part is not None:
        dataset = dataset.map(without_autograph(lambda frames, labels, part_rows: (frames, labels, part_rows.total)))
    return prefetched(dataset, order.batch_size)


def stream_batches(source: SampleSource, order: BatchOrder, shape: SampleShape) -> tf.data.Dataset:
    """An endless data set of batches of any data: frames, (B, length, *frame), and labels, (B, *labels).

    source: the data, which are read in a thread of TensorFlow until the session is closed. order: the samples of each
    batch. shape: of the samples. Initialize the graph's local variables and an initializable iterator.
    """
    return prefetched(gathered_batches(source, order, shape), order.batch_size)


def gathered_batches(
    source: SampleSource,
    order: BatchOrder,
    shape: SampleShape,
    gather: Callable[[tf.Variable, tf.Tensor, tf.Tensor], tuple[Any, ...]] | None = None,
) -> tf.data.Dataset:
    """The batches of stream_batches before they are prefetched. gather: instead of gather_batch."""

    def read_rounds() -> Iterator[Round]:
        # The kernel that runs this generator has just changed glibc's thresholds for the whole process.
        keep_freed_memory()
        read = rounds(source, order, shape)
        while True:
            with GATE.passed():
                round_ = next(read)
            yield round_

    window = frame_window(ring_rows(order, shape), shape)
    types = (tf.int32, tf.as_dtype(shape.frame_dtype), tf.int32, tf.as_dtype(shape.labels_dtype))
    shapes = ((None,), (None, *shape.frame), (None, None, shape.length), (None, None, *shape.labels))
    dataset = tf.data.Dataset.from_generator(read_rounds, types, shapes)
    dataset = dataset.map(without_autograph(partial(write_frames, window)))
    dataset = dataset.prefetch(ROUNDS_AHEAD)
    # flat_map and map process one element at a time, in order. So a round is taken, and the next one's frames are
    # written, only after all batches of the round before have been gathered.
    dataset = dataset.flat_map(without_autograph(lambda *batches: tf.data.Dataset.from_tensor_slices(batches)))
    return dataset.map(without_autograph(partial(gather or gather_batch, window)))


def prefetched(dataset: tf.data.Dataset, batch_size: int) -> tf.data.Dataset:
    """The same data set with several batches made in advance."""
    frames = dataset.element_spec[0]
    fitting = PREFETCHED_BYTES // (batch_size * math.prod(frames.shape.as_list()[1:]) * frames.dtype.size)
    dataset = dataset.prefetch(int(min(max(fitting, 2), PREFETCHED_BATCHES)))
    # There is nothing to tune, and closing a session waits for the autotuning thread, which sleeps for up to a minute.
    options = tf.data.Options()
    options.autotune.enabled = False
    return dataset.with_options(options)


def frame_window(size: int, shape: SampleShape) -> tf.Variable:
    """A variable of `size` frames. It is not initialized, so that rows take memory only once they are written."""

    def unwritten() -> tf.Tensor:
        return tf.raw_ops.Empty(shape=[size, *shape.frame], dtype=tf.as_dtype(shape.frame_dtype))

    return tf.Variable(
        unwritten,
        trainable=False,
        collections=[tf.GraphKeys.LOCAL_VARIABLES],
        use_resource=True,
        name="frame_window",
        shape=[size, *shape.frame],
    )


def write_frames(
    window: tf.Variable, new_rows: tf.Tensor, new_frames: tf.Tensor, rows: tf.Tensor, labels: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """Writes the new frames of a Round to the window; returns the rows and labels of its batches."""
    write = tf.raw_ops.ResourceScatterUpdate(resource=window.handle, indices=new_rows, updates=new_frames)
    with tf.control_dependencies([write]):
        return tf.identity(rows), tf.identity(labels)


def gather_batch(window: tf.Variable, rows: tf.Tensor, labels: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """The frames in these rows of the window, uint8 (B, 10, 64, 64, 3), and the labels."""
    return tf.raw_ops.ResourceGather(resource=window.handle, indices=rows, dtype=window.dtype), labels


def gather_part(
    part: BatchPart, needs_previous: bool, window: tf.Variable, rows: tf.Tensor, labels: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor, BatchRows]:
    """The frames and labels of a part of the batch, and which of its sequences they are.

    needs_previous: whether to also gather the sequence before the part, as the first one. Augmentation may give its
    background to the first sequence of the part.
    """
    total = tf.shape(rows)[0]
    start, end = part.cut(part.first, total), part.cut(part.end, total)
    # At least one sequence, because convolutions accept no empty batch.
    places = tf.range(start - int(needs_previous), tf.maximum(end, start + 1))
    places = tf.math.floormod(places, total)
    frames, labels = gather_batch(window, tf.gather(rows, places), tf.gather(labels, places))
    return frames, labels, BatchRows(places, total)


def augment_batch(augmentation: Augmentation, step: tf.Tensor, batch: tuple[Any, ...]) -> tuple[Any, ...]:
    """The same batch with frames and labels augmented, from random numbers that depend on seed and step alone."""
    frames, labels, *part_rows = batch
    seed = tf.stack([augmentation.seed, step])
    return *augment(frames, labels, seed, augmentation.kinds, *part_rows), *part_rows


def without_autograph(function: Callable[..., Any]) -> Callable[..., Any]:
    """Returns the function, excluded from AutoGraph, which would take seconds to search it for control flow."""
    return tf.autograph.experimental.do_not_convert(function)


@contextlib.contextmanager
def user_errors_of_dataset() -> Iterator[None]:
    """Turns TensorFlow's error back into the generator's UserError."""
    try:
        yield
    except tf.errors.UnknownError as error:
        line = re.search(r"^UserError: (.*)$", error.message, re.MULTILINE)
        if line is None:
            raise
        raise UserError(line[1]) from error
