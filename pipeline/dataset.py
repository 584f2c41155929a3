"""The `tf.data` data set: whole batches, read by a generator while the previous training step runs."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from command_line.user_error import UserError
from pipeline.augmentation.augment import Augmentation, augment
from pipeline.freed_memory import keep_freed_memory
from pipeline.sequence_shape import COURSE_SHAPE, SequenceShape
from pipeline.store.layout import FRAMES_PER_CHUNK, SEQUENCES_PER_CHUNK
from pipeline.store.reader import SequenceStore
from pipeline.store.row_cache import RowCache
from pipeline.tensorflow_v1 import tf

if TYPE_CHECKING:
    from _typeshed import StrPath

PREFETCHED_BATCHES = 2

# An epoch reads each frame once for every sequence that holds it. The caches hold all frames and labels of the course's
# file, and a part of those of larger files.
FRAMES_CACHE_BYTES = 60 * 2**20
LABELS_CACHE_BYTES = 5 * 2**20


def make_dataset(
    path: StrPath,
    batches: Callable[[], Iterable[np.ndarray]],
    augmentation: Augmentation | None = None,
    shape: SequenceShape = COURSE_SHAPE,
) -> tf.data.Dataset:
    """A data set of batches: pairs of frames, uint8 (B, 10, 64, 64, 3), and labels, float32 (B, 10, 7, 2).

    path: of an HDF5 store. batches: a function that returns an iterator over int arrays (B,) of sequence numbers,
    endless or not. augmentation: to apply to every batch. shape: of the store's sequences, for which the graph is
    built. The file is open from an iterator's first element to its last, or until the iterator is destroyed.

    One element is a whole batch, because an element costs the same whether it holds one sequence or many. Frames are
    uint8, a quarter of the size of the float32 that the network computes with.
    """

    def read_batches() -> Iterator[tuple[np.ndarray, np.ndarray]]:
        keep_freed_memory()
        with SequenceStore(path) as store:
            take_frames, take_labels = cached_frames(store).take, cached_labels(store).take
            for indices in batches():
                yield take_frames(store.sequences[indices]), take_labels(indices)

    return make_dataset_of(read_batches, augmentation, shape)


def cached_frames(store: SequenceStore) -> RowCache:
    """A cache of the store's frames, uint8 (64, 64, 3)."""
    shape, dtype = store.shape.frame, np.uint8
    return RowCache(store.read_frames, store.number_of_frames, shape, dtype, FRAMES_PER_CHUNK, FRAMES_CACHE_BYTES)


def cached_labels(store: SequenceStore) -> RowCache:
    """A cache of the store's labels, float32 (10, 7, 2), in pixels."""
    shape, dtype = store.shape.labels, np.float32
    return RowCache(store.read_labels, len(store), shape, dtype, SEQUENCES_PER_CHUNK, LABELS_CACHE_BYTES)


def make_dataset_of(
    read_batches: Callable[[], Iterable[tuple[np.ndarray, np.ndarray]]],
    augmentation: Augmentation | None = None,
    shape: SequenceShape = COURSE_SHAPE,
) -> tf.data.Dataset:
    """The same data set from any generator function that yields batches of frames and labels of the types above."""
    shapes = ((None, *shape.frames), (None, *shape.labels))
    dataset = tf.data.Dataset.from_generator(read_batches, (tf.uint8, tf.float32), shapes)
    if augmentation is not None:
        # There is no Python control flow for AutoGraph to convert, and searching for it takes seconds.
        augmented = tf.autograph.experimental.do_not_convert(partial(_augmented, augmentation))
        dataset = dataset.enumerate(augmentation.first_step).map(augmented)
    # There is nothing to tune. The autotuning thread sleeps for up to a minute at a time, and closing a session waits
    # for it.
    options = tf.data.Options()
    options.autotune.enabled = False
    return dataset.prefetch(PREFETCHED_BATCHES).with_options(options)


def _augmented(
    augmentation: Augmentation, step: tf.Tensor, batch: tuple[tf.Tensor, tf.Tensor]
) -> tuple[tf.Tensor, tf.Tensor]:
    frames, labels = batch
    return augment(frames, labels, tf.stack([augmentation.seed, step]), augmentation.kinds)


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
