import time
from dataclasses import replace
from itertools import islice

import numpy as np
import pytest

from pipeline import frame_window
from pipeline.augmentation.augment import KINDS, Augmentation, augment
from pipeline.batch_order import BatchOrder, epoch_order, worker_part
from pipeline.dataset import make_dataset, user_errors_of_dataset
from pipeline.store.reader import SequenceStore
from pipeline.tensorflow_v1 import tf
from support.user_error import UserError

PATIENCE = 60  # seconds
ORDER = BatchOrder(np.arange(600), 4, seed=3)
# The smallest window.
SMALL_WINDOW = replace(ORDER, window_megabytes=0)


def open_iterator(session, dataset):
    """The tensors of the next batch, from an initialized iterator."""
    iterator = tf.data.make_initializable_iterator(dataset)
    tensors = iterator.get_next()
    session.run([tf.local_variables_initializer(), iterator.initializer])
    return tensors


@pytest.fixture
def store(made_data):
    with SequenceStore(made_data.path) as store:
        yield store


@pytest.fixture
def session():
    with tf.Graph().as_default(), tf.Session() as session:
        yield session


@pytest.mark.parametrize("order", [ORDER, SMALL_WINDOW, replace(ORDER, batch_size=7, first_step=80)])
def test_batches_equal_those_that_numpy_gathers(order, session, made_data, store):
    tensors = open_iterator(session, make_dataset(store, order))
    number_of = {labels.tobytes(): number for number, labels in enumerate(made_data.labels)}
    for _ in range(170):
        frames, labels = session.run(tensors)
        assert (frames.dtype, labels.dtype) == (np.uint8, np.float32)
        numbers = [number_of[sequence.tobytes()] for sequence in labels]
        np.testing.assert_array_equal(frames, made_data.frames[made_data.sequences[numbers]])


def test_the_order_is_that_of_the_epoch(session, made_data, store):
    labels = open_iterator(session, make_dataset(store, ORDER))[1]
    drawn = np.concatenate([session.run(labels) for _ in range(300)])
    expected = np.concatenate([epoch_order(ORDER.indices, 3, epoch) for epoch in (0, 1)])
    np.testing.assert_array_equal(drawn, made_data.labels[expected])


def test_types_and_shapes_are_known_to_the_graph(store):
    with tf.Graph().as_default():
        dataset = make_dataset(store, ORDER)
        assert tf.data.get_output_types(dataset) == (tf.uint8, tf.float32)
        assert [shape.as_list() for shape in tf.data.get_output_shapes(dataset)] == [
            [None, 10, 64, 64, 3],
            [None, 10, 7, 2],
        ]


@pytest.fixture
def rounds_then(monkeypatch):
    """A function of an exception, which makes the generator raise it after the first batches."""

    def failing(error):
        def rounds(*arguments):
            yield from islice(frame_window.rounds(*arguments), 100)
            raise error

        monkeypatch.setattr("pipeline.dataset.rounds", rounds)

    return failing


def run_to_the_error(session, tensors):
    for _ in range(1_000_000):
        session.run(tensors)


ONE_BATCH_A_ROUND = BatchOrder(np.arange(3), 3, seed=0)


def test_an_error_in_the_generator_reaches_the_session(rounds_then, session, store):
    rounds_then(ArithmeticError("out of batches"))
    tensors = open_iterator(session, make_dataset(store, ONE_BATCH_A_ROUND))
    with pytest.raises(tf.errors.OpError, match="out of batches"):
        run_to_the_error(session, tensors)


def test_a_user_error_of_the_generator_is_raised_again(rounds_then, session, store):
    rounds_then(UserError("the file is damaged; convert it again"))
    tensors = open_iterator(session, make_dataset(store, ONE_BATCH_A_ROUND))
    with pytest.raises(UserError, match="^the file is damaged; convert it again$"), user_errors_of_dataset():
        run_to_the_error(session, tensors)


def test_other_errors_of_the_generator_are_not_changed(rounds_then, session, store):
    rounds_then(ArithmeticError("out of batches"))
    tensors = open_iterator(session, make_dataset(store, ONE_BATCH_A_ROUND))
    with pytest.raises(tf.errors.OpError), user_errors_of_dataset():
        run_to_the_error(session, tensors)


def test_the_next_rounds_are_read_in_advance(session, store, monkeypatch):
    read = []

    def recorded_rounds(*arguments):
        for round_ in frame_window.rounds(*arguments):
            read.append(round_)
            yield round_

    monkeypatch.setattr("pipeline.dataset.rounds", recorded_rounds)
    session.run(open_iterator(session, make_dataset(store, SMALL_WINDOW)))
    # The rounds up to the first that has a batch.
    needed = next(number for number, round_ in enumerate(read, 1) if len(round_.labels))
    deadline = time.monotonic() + PATIENCE
    while len(read) <= needed and time.monotonic() < deadline:
        time.sleep(0.01)
    assert needed < len(read) < needed + 30


def test_augmented_batches_depend_on_seed_and_step(made_data, store):
    drawn = {}
    for first_step in (0, 2):
        order = replace(ORDER, batch_size=3, first_step=first_step)
        with tf.Graph().as_default(), tf.Session() as session:
            dataset = make_dataset(store, order, Augmentation(KINDS, 5, first_step))
            frames, labels = open_iterator(session, dataset)
            assert (frames.dtype, frames.shape.as_list()) == (tf.uint8, [None, 3, 64, 64, 3])
            assert (labels.dtype, labels.shape.as_list()) == (tf.float32, [None, 3, 7, 2])
            drawn[first_step] = [session.run([frames, labels]) for _ in range(3)]
            batch = epoch_order(ORDER.indices, 3, 0)[3 * first_step + 3 :][:3]
            expected = augment(
                tf.constant(made_data.frames[made_data.sequences[batch]]),
                tf.constant(made_data.labels[batch]),
                tf.constant([5, first_step + 1], tf.int64),
                KINDS,
            )
            for value, reference in zip(drawn[first_step][1], session.run(expected), strict=True):
                np.testing.assert_array_equal(value, reference)
    # Bit-identical, because augmentation has no op whose result depends on the processor or on memory alignment. A run
    # that resumes at step 2 sees the batches of an uninterrupted run, and no two steps see the same batch.
    for value, other in zip(drawn[0][2], drawn[2][0], strict=True):
        np.testing.assert_array_equal(value, other)
    assert (drawn[0][0][1] != drawn[0][1][1]).any()


@pytest.mark.parametrize("kinds", [(), ("scale", "rotation"), KINDS])
def test_the_parts_of_all_workers_make_up_the_batches_of_one(kinds, store):
    """Bit for bit. One batch has seven sequences, and the last of the epoch two, so that one worker has none."""
    order = BatchOrder(np.arange(30), 7, seed=3, first_step=3)

    def batches(part):
        with tf.Graph().as_default(), tf.Session() as session:
            augmentation = Augmentation(kinds, 5, order.first_step) if kinds else None
            tensors = open_iterator(session, make_dataset(store, order, augmentation, part=part))
            return [session.run(tensors) for _ in range(2)]

    whole = batches(None)
    assert [len(labels) for _, labels in whole] == [7, 2]
    parts = [batches(worker_part(worker, 3, 3)) for worker in range(3)]
    for number, sizes in enumerate([[2, 2, 3], [0, 1, 1]]):
        frames, labels = whole[number]
        batch = len(labels)
        for of_worker, size in zip(parts, sizes, strict=True):
            part_frames, part_labels, total = of_worker[number]
            assert total == batch and len(part_frames) == len(part_labels) == max(size, 1)
            if size:
                np.testing.assert_array_equal(part_frames, frames[:size])
                np.testing.assert_array_equal(part_labels, labels[:size])
            frames, labels = frames[size:], labels[size:]
        assert not len(labels)


@pytest.mark.filterwarnings("ignore:To make it possible to preserve tf.data options")
def test_autotuning_is_off(store):
    """Closing a session would wait for its thread, which sleeps for up to a minute."""
    with tf.Graph().as_default():
        dataset = make_dataset(store, ORDER, Augmentation(KINDS, 0, 0))
        assert dataset.options().autotune.enabled is False
