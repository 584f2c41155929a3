"""The `tf.data` data set: whole batches, read by a generator while the step before them runs."""

import contextlib
import re
import sys

import numpy as np

from pipeline.joints import JOINT_NAMES
from pipeline.sequence_shape import FRAME_SHAPE, FRAMES_PER_SEQUENCE
from pipeline.store import SequenceStore
from pipeline.tensorflow_v1 import tf
from pipeline.user_error import UserError

PREFETCHED_BATCHES = 2

# An epoch reads each frame in many sequences. This holds all frames of the course's file, and a part of larger ones.
TRAINING_CACHE_BYTES = 64 * 2**20

# The list of buffers, the loop variable and the argument of sys.getrefcount.
REFERENCES_OF_UNUSED = 3


def make_dataset(path, batches):
    """A tf.data.Dataset of (frames uint8 (B, 10, 64, 64, 3), labels float32 (B, 10, 7, 2)), a batch an element.

    path: an HDF5 file of ours. batches: a function without arguments that returns an iterator over int arrays (B,) of
    sequence numbers, endless or not. The file is open from an iterator's first element to its last, or until the
    iterator is destroyed.

    One element is one whole batch, because an element costs the same whether it holds one sequence or many; and what is
    yielded is uint8, a quarter of the float32 that the network computes with.
    """

    def read_batches():
        buffers = []
        with SequenceStore(path, TRAINING_CACHE_BYTES) as store:
            for indices in batches():
                frames = _unused_buffer(buffers, len(indices))
                yield store.read_sequences(indices, out=frames)
                del frames

    return make_dataset_of(read_batches)


def _unused_buffer(buffers, batch_size):
    """The first `batch_size` sequences of a buffer that nothing holds any more, or of one more that it adds.

    New memory for each batch costs more than what is read into it, since the system clears its pages first. TensorFlow
    may hold an array in place of a copy, so that whoever else holds a buffer shows in its count of references.
    """
    for buffer in buffers:
        if len(buffer) >= batch_size and sys.getrefcount(buffer) == REFERENCES_OF_UNUSED:
            return buffer[:batch_size]
    buffers.append(np.empty((batch_size, FRAMES_PER_SEQUENCE, *FRAME_SHAPE), np.uint8))
    return buffers[-1][:batch_size]


def make_dataset_of(read_batches):
    """The same of any generator function that yields whole batches: frames and labels of the types above."""
    shapes = ((None, FRAMES_PER_SEQUENCE, *FRAME_SHAPE), (None, FRAMES_PER_SEQUENCE, len(JOINT_NAMES), 2))
    dataset = tf.data.Dataset.from_generator(read_batches, (tf.uint8, tf.float32), shapes)
    return dataset.prefetch(PREFETCHED_BATCHES)


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
