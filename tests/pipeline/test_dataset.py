import itertools
import os
import time

import numpy as np
import pytest

from command_line.user_error import UserError
from pipeline.augmentation.augment import Augmentation, augment
from pipeline.augmentation.kinds import KINDS
from pipeline.dataset import make_dataset, user_errors_of_dataset
from pipeline.store.reader import SequenceStore
from pipeline.tensorflow_v1 import tf

HAS_DESCRIPTORS = os.path.isdir("/proc/self/fd")
PATIENCE = 60  # seconds
BATCHES = [[3, 1, 2], [599, 0], [7, 7, 300, 5]]


def is_open(path):
    """Whether this process has the file open."""
    descriptors = [f"/proc/self/fd/{number}" for number in os.listdir("/proc/self/fd")]
    return str(path) in [os.readlink(descriptor) for descriptor in descriptors if os.path.islink(descriptor)]


def becomes_closed(path):
    """Whether the file is closed now or within a minute; only a fault takes that long."""
    deadline = time.monotonic() + PATIENCE
    while is_open(path) and time.monotonic() < deadline:
        time.sleep(0.01)
    return not is_open(path)


@pytest.fixture
def next_batch(made_data):
    """A function that builds, in a new graph, the tensors of the next batch of a data set over `batches`."""
    with tf.Graph().as_default():
        yield lambda batches: tf.data.make_one_shot_iterator(make_dataset(made_data.path, batches)).get_next()


def test_batches_are_those_of_numpy(next_batch, made_data):
    tensors = next_batch(lambda: (np.array(batch) for batch in BATCHES))
    with tf.Session() as session:
        for batch in BATCHES:
            frames, labels = session.run(tensors)
            assert (frames.dtype, labels.dtype) == (np.uint8, np.float32)
            np.testing.assert_array_equal(frames, made_data.frames[made_data.sequences[batch]])
            np.testing.assert_array_equal(labels, made_data.labels[batch])
        with pytest.raises(tf.errors.OutOfRangeError):
            session.run(tensors)


def test_types_and_shapes_are_known_to_the_graph(next_batch):
    frames, labels = next_batch(lambda: iter([]))
    assert (frames.dtype, frames.shape.as_list()) == (tf.uint8, [None, 10, 64, 64, 3])
    assert (labels.dtype, labels.shape.as_list()) == (tf.float32, [None, 10, 7, 2])


@pytest.fixture
def kept_stores(monkeypatch):
    """Keeps the stores that a data set opens from being garbage-collected, which would close them too."""
    kept = []

    class KeptStore(SequenceStore):
        def __init__(self, *arguments):
            super().__init__(*arguments)
            kept.append(self)

    monkeypatch.setattr("pipeline.dataset.SequenceStore", KeptStore)
    yield kept
    for store in kept:
        store.close()


@pytest.mark.skipif(not HAS_DESCRIPTORS, reason="this system does not list the open files")
def test_the_file_is_open_from_the_first_batch_to_the_last(next_batch, made_data, kept_stores):
    tensors = next_batch(lambda: itertools.repeat(np.arange(3), 20))
    assert not is_open(made_data.path)
    with tf.Session() as session:
        session.run(tensors)
        assert is_open(made_data.path)
        for _ in range(19):
            session.run(tensors)
        with pytest.raises(tf.errors.OutOfRangeError):
            session.run(tensors)
        assert becomes_closed(made_data.path)


@pytest.mark.skipif(not HAS_DESCRIPTORS, reason="this system does not list the open files")
def test_the_file_is_closed_with_the_session(next_batch, made_data, kept_stores):
    tensors = next_batch(lambda: itertools.repeat(np.arange(3)))
    with tf.Session() as session:
        session.run(tensors)
        assert is_open(made_data.path)
    assert becomes_closed(made_data.path)


def test_what_goes_wrong_in_the_generator_reaches_the_session(next_batch):
    def batches():
        yield np.arange(3)
        raise ArithmeticError("no more batches to be had")

    tensors = next_batch(batches)
    with tf.Session() as session:
        session.run(tensors)
        with pytest.raises(tf.errors.OpError, match="no more batches to be had"):
            session.run(tensors)


def test_a_batch_is_read_before_it_is_asked_for(next_batch):
    begun = []

    def batches():
        for number in range(10):
            begun.append(number)
            yield np.arange(3)

    tensors = next_batch(batches)
    with tf.Session() as session:
        session.run(tensors)
        deadline = time.monotonic() + PATIENCE
        while len(begun) < 2 and time.monotonic() < deadline:
            time.sleep(0.01)
    assert 2 <= len(begun) < 10


def test_a_user_error_of_the_generator_is_one_again(next_batch):
    def batches():
        yield np.arange(3)
        raise UserError("the file is damaged; convert it again")

    tensors = next_batch(batches)
    with tf.Session() as session:
        session.run(tensors)
        with pytest.raises(UserError, match="^the file is damaged; convert it again$"), user_errors_of_dataset():
            session.run(tensors)


def test_other_errors_of_the_generator_stay_as_they_are(next_batch):
    def batches():
        raise ArithmeticError("no batches to be had")
        yield

    tensors = next_batch(batches)
    with tf.Session() as session, pytest.raises(tf.errors.OpError), user_errors_of_dataset():
        session.run(tensors)


def test_augmented_batches_are_those_of_the_run_s_seed_and_step(made_data):
    batch = np.array([3, 1, 2])
    drawn = {}
    for first_step in (0, 2):
        augmentation = Augmentation(KINDS, 5, first_step)
        with tf.Graph().as_default(), tf.Session() as session:
            dataset = make_dataset(made_data.path, lambda: itertools.repeat(batch, 3), augmentation)
            frames, labels = tf.data.make_one_shot_iterator(dataset).get_next()
            assert (frames.dtype, frames.shape.as_list()) == (tf.uint8, [None, 5, 64, 64, 3])
            assert (labels.dtype, labels.shape.as_list()) == (tf.float32, [None, 5, 7, 2])
            drawn[first_step] = [session.run([frames, labels]) for _ in range(3)]
            expected = augment(
                tf.constant(made_data.frames[made_data.sequences[batch]]),
                tf.constant(made_data.labels[batch]),
                tf.constant([5, first_step + 1], tf.int64),
                KINDS,
            )
            for value, reference in zip(drawn[first_step][1], session.run(expected), strict=True):
                np.testing.assert_array_equal(value, reference)
    # Bit-identical, because augmentation uses no op whose result depends on the processor or the alignment of memory.
    # A run that resumes at step 2 sees what an uninterrupted one sees there, and every step sees something else.
    for value, other in zip(drawn[0][2], drawn[2][0], strict=True):
        np.testing.assert_array_equal(value, other)
    assert (drawn[0][0][1] != drawn[0][1][1]).any()


@pytest.mark.filterwarnings("ignore:To make it possible to preserve tf.data options")
def test_no_thread_tunes_what_is_given(made_data):
    """Closing a session waits for the autotuning thread, which sleeps for up to a minute at a time."""
    with tf.Graph().as_default():
        dataset = make_dataset(made_data.path, lambda: iter([]), Augmentation(KINDS, 0, 0))
        assert dataset.options().autotune.enabled is False
