"""The `tf.data` data set: whole batches, read by a generator while the step before them runs."""

from __future__ import annotations

import contextlib
import re
from functools import partial

import numpy as np

from command_line.user_error import UserError
from pipeline.augmentation.augment import augment
from pipeline.freed_memory import keep_freed_memory
from pipeline.sequence_shape import COURSE_SHAPE
from pipeline.store.layout import FRAMES_PER_CHUNK, SEQUENCES_PER_CHUNK
from pipeline.store.reader import SequenceStore
from pipeline.store.row_cache import RowCache
from pipeline.tensorflow_v1 import tf

PREFETCHED_BATCHES = 2

# An epoch reads each frame in many sequences. These hold all frames and labels of the course's file, and a part of
# larger ones.
FRAMES_CACHE_BYTES = 60 * 2**20
LABELS_CACHE_BYTES = 5 * 2**20


def make_dataset(path, batches, augmentation=None, shape=COURSE_SHAPE):
    """A tf.data.Dataset of (frames uint8 (B, 10, 64, 64, 3), labels float32 (B, 10, 7, 2)), a batch an element.

    path: an HDF5 file of ours. batches: a function without arguments that returns an iterator over int arrays (B,) of
    sequence numbers, endless or not. augmentation: an Augmentation of every batch, or None. shape: the file's
    SequenceShape, which the graph is built for. The file is open from an iterator's first element to its last, or until
    the iterator is destroyed.

    One element is one whole batch, because an element costs the same whether it holds one sequence or many; and what is
    yielded is uint8, a quarter of the float32 that the network computes with.
    """

    def read_batches():
        keep_freed_memory()
        with SequenceStore(path) as store:
            take_frames, take_labels = cached_frames(store).take, cached_labels(store).take
            for indices in batches():
                yield take_frames(store.sequences[indices]), take_labels(indices)

    return make_dataset_of(read_batches, augmentation, shape)


def cached_frames(store):
    """A RowCache of an open SequenceStore's frames, uint8 (64, 64, 3)."""
    shape, dtype = store.shape.frame, np.uint8
    return RowCache(store.read_frames, store.number_of_frames, shape, dtype, FRAMES_PER_CHUNK, FRAMES_CACHE_BYTES)


def cached_labels(store):
    """A RowCache of its labels, float32 (10, 7, 2), pixels."""
    shape, dtype = store.shape.labels, np.float32
    return RowCache(store.read_labels, len(store), shape, dtype, SEQUENCES_PER_CHUNK, LABELS_CACHE_BYTES)


def make_dataset_of(read_batches, augmentation=None, shape=COURSE_SHAPE):
    """The same of any generator function that yields whole batches: frames and labels of the types above."""
    shapes = ((None, *shape.frames), (None, *shape.labels))
    dataset = tf.data.Dataset.from_generator(read_batches, (tf.uint8, tf.float32), shapes)
    if augmentation is not None:
        # There is no Python control flow for AutoGraph to convert, and looking for it takes seconds.
        augmented = tf.autograph.experimental.do_not_convert(partial(_augmented, augmentation))
        dataset = dataset.enumerate(augmentation.first_step).map(augmented)
    # All sizes are given. A thread that looks for better ones sleeps for up to a minute at a time, and a session that is
    # closed waits for it.
    options = tf.data.Options()
    options.autotune.enabled = False
    return dataset.prefetch(PREFETCHED_BATCHES).with_options(options)


def _augmented(augmentation, step, batch):
    frames, labels = batch
    return augment(frames, labels, tf.stack([augmentation.seed, step]), augmentation.kinds)


@contextlib.contextmanager
def user_errors_of_dataset():
    """Raises a UserError that ended the generator as such; TensorFlow hands it on as text in an error of its own."""
    try:
        yield
    except tf.errors.UnknownError as error:
        line = re.search(r"^UserError: (.*)$", error.message, re.MULTILINE)
        if line is None:
            raise
        raise UserError(line[1]) from error
