"""The `tf.data` data set: whole batches, read by a generator while the step before them runs."""

import contextlib
import re

from pipeline.joints import JOINT_NAMES
from pipeline.sequence_shape import FRAME_SHAPE, FRAMES_PER_SEQUENCE
from pipeline.store import SequenceStore
from pipeline.tensorflow_v1 import tf
from pipeline.user_error import UserError

PREFETCHED_BATCHES = 2


def make_dataset(path, batches):
    """A tf.data.Dataset of (frames uint8 (B, 10, 64, 64, 3), labels float32 (B, 10, 7, 2)), a batch an element.

    path: an HDF5 file of ours. batches: a function without arguments that returns an iterator over int arrays (B,) of
    sequence numbers, endless or not. The file is open from an iterator's first element to its last, or until the
    iterator is destroyed.

    One element is one whole batch, because an element costs the same whether it holds one sequence or many; and what is
    yielded is uint8, a quarter of the float32 that the network computes with.
    """

    def read_batches():
        with SequenceStore(path) as store:
            for indices in batches():
                yield store.read_sequences(indices)

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
