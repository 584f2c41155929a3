"""The `tf.data` data set: whole batches, drawn from a window of frames that a generator fills from the file.

A generator is slow to hand over arrays, and quick with numbers. So the frames are handed over once an epoch, to a
variable of the graph, and each batch is a gather from it: a frame is in seventeen sequences of the course's.
"""

from __future__ import annotations

import contextlib
import math
import re
from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

from pipeline.augmentation.augment import Augmentation, BatchRows, augment
from pipeline.batch_part import BatchPart, shard_cuts
from pipeline.frame_window import BatchOrder, Round, rounds, window_rows
from pipeline.freed_memory import keep_freed_memory
from pipeline.sequence_shape import COURSE_SHAPE, SequenceShape
from pipeline.store.reader import SequenceStore
from pipeline.tensorflow_v1 import tf
from support.user_error import UserError

if TYPE_CHECKING:
    from _typeshed import StrPath

ROUNDS_AHEAD = 1
# While the generator reads a block, it may keep the interpreter from the training loop: batches are gathered ahead.
PREFETCHED_BATCHES = 8
PREFETCHED_BYTES = 8e6


def make_dataset(
    path: StrPath,
    order: BatchOrder,
    augmentation: Augmentation | None = None,
    shape: SequenceShape = COURSE_SHAPE,
    part: BatchPart | None = None,
) -> tf.data.Dataset:
    """An endless data set of batches: frames, uint8 (B, 10, 64, 64, 3), and labels, float32 (B, 10, 7, 2).

    With a BatchPart, both are those of the part alone, or one sequence that is not its own where it has none, and an
    int32 scalar follows: the sequences of the whole batch.

    path: of an HDF5 store. augmentation: to apply to every batch. shape: of the store's sequences, for which the graph
    is built. The file is open from an iterator's first element until the iterator is destroyed. The window of frames is
    a local variable, so the graph's local variables and an initializable iterator are to be initialized.

    Frames are uint8, a quarter of the size of the float32 that the network computes with.
    """

    def read_rounds() -> Iterator[Round]:
        keep_freed_memory()
        with SequenceStore(path) as store:
            yield from rounds(store, order)

    window = frame_window(window_rows(order, shape), shape)
    shapes = ((None,), (None, *shape.frame), (None, None, shape.length), (None, None, *shape.labels))
    dataset = tf.data.Dataset.from_generator(read_rounds, (tf.int32, tf.uint8, tf.int32, tf.float32), shapes)
    # The next block is read while batches are drawn from those before it.
    dataset = dataset.prefetch(ROUNDS_AHEAD).flat_map(without_autograph(partial(batches_of_round, window)))
    # One batch at a time, in order: the next round's frames are written when all batches of this one are gathered.
    if part is None:
        dataset = dataset.map(without_autograph(partial(gathered, window)))
    else:
        has_donor = augmentation is not None and "background" in augmentation.kinds
        dataset = dataset.map(without_autograph(partial(gathered_part, window, part, has_donor)))
    if augmentation is not None:
        augmented = without_autograph(partial(_augmented, augmentation))
        dataset = dataset.enumerate(augmentation.first_step).map(augmented)
    if part is not None:
        dataset = dataset.map(without_autograph(lambda frames, labels, part_rows: (frames, labels, part_rows.total)))
    # There is nothing to tune. The autotuning thread sleeps for up to a minute at a time, and closing a session waits
    # for it.
    options = tf.data.Options()
    options.autotune.enabled = False
    return dataset.prefetch(_prefetched_batches(order.batch_size, shape)).with_options(options)


def _prefetched_batches(batch_size: int, shape: SequenceShape) -> int:
    """As many as fit into PREFETCHED_BYTES; from 2 to PREFETCHED_BATCHES."""
    fit = PREFETCHED_BYTES // (batch_size * math.prod(shape.frames))
    return int(min(max(fit, 2), PREFETCHED_BATCHES))


def frame_window(rows: int, shape: SequenceShape) -> tf.Variable:
    """A variable of so many frames, uint8, whose memory is taken from the system as it is written to."""

    def unwritten() -> tf.Tensor:
        return tf.raw_ops.Empty(shape=[rows, *shape.frame], dtype=tf.uint8)

    return tf.Variable(
        unwritten,
        trainable=False,
        collections=[tf.GraphKeys.LOCAL_VARIABLES],
        use_resource=True,
        name="frame_window",
        shape=[rows, *shape.frame],
    )


def batches_of_round(
    window: tf.Variable, new_rows: tf.Tensor, new_frames: tf.Tensor, rows: tf.Tensor, labels: tf.Tensor
) -> tf.data.Dataset:
    """Writes a Round's new frames to the window; returns the data set of its batches: rows and labels."""
    write = tf.raw_ops.ResourceScatterUpdate(resource=window.handle, indices=new_rows, updates=new_frames)
    with tf.control_dependencies([write]):
        return tf.data.Dataset.from_tensor_slices((tf.identity(rows), labels))


def gathered(window: tf.Variable, rows: tf.Tensor, labels: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """The frames in these rows of the window, uint8 (B, 10, 64, 64, 3), and the labels."""
    return tf.raw_ops.ResourceGather(resource=window.handle, indices=rows, dtype=tf.uint8), labels


def gathered_part(
    window: tf.Variable, part: BatchPart, has_donor: bool, rows: tf.Tensor, labels: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor, BatchRows]:
    """The same of a part of the batch, and which of its sequences they are.

    A part without sequences gets one that is not its own, for convolutions take no empty batch. has_donor: whether the
    sequence before them, which the first one may get its background from, precedes them.
    """
    total = tf.shape(rows)[0]
    cuts = shard_cuts(part, total)
    places = tf.range(cuts[0] - int(has_donor), tf.maximum(cuts[-1], cuts[0] + 1))
    places = tf.math.floormod(places, total)
    frames, labels = gathered(window, tf.gather(rows, places), tf.gather(labels, places))
    return frames, labels, BatchRows(places, total)


def without_autograph(function: Callable[..., Any]) -> Callable[..., Any]:
    """There is no Python control flow for AutoGraph to convert, and searching for it takes seconds."""
    return tf.autograph.experimental.do_not_convert(function)


def _augmented(augmentation: Augmentation, step: tf.Tensor, batch: tuple[Any, ...]) -> tuple[Any, ...]:
    frames, labels, *rows = batch
    return *augment(frames, labels, tf.stack([augmentation.seed, step]), augmentation.kinds, *rows), *rows


@contextlib.contextmanager
def user_errors_of_dataset() -> Iterator[None]:
    """Restores a UserError raised in the generator, which TensorFlow reports as text in an error of its own."""
    try:
        yield
    except tf.errors.UnknownError as error:
        line = re.search(r"^UserError: (.*)$", error.message, re.MULTILINE)
        if line is None:
            raise
        raise UserError(line[1]) from error
