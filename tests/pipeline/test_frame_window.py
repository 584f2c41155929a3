from dataclasses import replace
from itertools import islice

import numpy as np
import pytest

from pipeline.batch_order import BatchOrder, epoch_order, steps_per_epoch
from pipeline.frame_window import ring_rows, rounds, window_rows
from pipeline.sequence_shape import COURSE_SHAPE, SequenceShape
from pipeline.store.reader import SequenceStore

FRAME_MEGABYTES = 64 * 64 * 3 / 1e6
# In frames: all 150 of `people`, and the smallest window, 144.
WINDOWS = [151, 0]


def batches_of(path, order, number):
    """The first batches, (frames, labels) that NumPy gathers from its own window, and the rounds.

    Like the data set at its fastest, it writes the frames of a round before it gathers the batches of the one before.
    """
    with SequenceStore(path) as store:
        window = np.zeros((ring_rows(order, store.shape.samples), *store.shape.frame), np.uint8)
        batches, taken = [], []
        for round_ in rounds(store, order, store.shape.samples):
            assert len(np.unique(round_.new_rows)) == len(round_.new_rows) == len(round_.new_frames)
            window[round_.new_rows] = round_.new_frames
            for before in taken[-1:]:
                batches += [(window[rows], labels) for rows, labels in zip(before.rows, before.labels, strict=True)]
            if len(batches) >= number:
                return batches[:number], taken
            taken.append(round_)


def numbers_of(batches, people):
    """The numbers of the sequences in the batches, by their labels; their frames are those of the pickle."""
    number_of = {labels.tobytes(): number for number, labels in enumerate(people.labels)}
    numbers = [[number_of[sequence.tobytes()] for sequence in labels] for _, labels in batches]
    for (frames, _), batch in zip(batches, numbers, strict=True):
        np.testing.assert_array_equal(frames, people.frames[batch])
    return numbers


@pytest.mark.parametrize("frames", WINDOWS)
@pytest.mark.parametrize("batch_size", [1, 8, 132, 200])
def test_an_epoch_has_every_sequence_once_with_any_window(batch_size, frames, people):
    order = BatchOrder(np.arange(132), batch_size, seed=2, window_megabytes=frames * FRAME_MEGABYTES)
    steps = steps_per_epoch(132, batch_size)
    batches, _ = batches_of(people.path, order, 3 * steps)
    numbers = numbers_of(batches, people)
    for epoch in range(3):
        part = numbers[epoch * steps : (epoch + 1) * steps]
        assert [len(batch) for batch in part[:-1]] == [batch_size] * (steps - 1)
        assert sorted(sum(part, [])) == list(range(132))


def test_a_window_for_all_frames_gives_the_full_permutation(people):
    indices = np.random.default_rng(0).permutation(132)[:100]
    batches, taken = batches_of(people.path, BatchOrder(indices, 8, seed=2), 26)
    numbers = sum(numbers_of(batches, people), [])
    assert numbers == [*epoch_order(indices, 2, 0), *epoch_order(indices, 2, 1)]
    with SequenceStore(people.path) as store:
        assert sum(len(round_.new_rows) for round_ in taken) == len(np.unique(store.read_frame_numbers(indices)))


@pytest.mark.parametrize("frames", WINDOWS)
@pytest.mark.parametrize("first_step", [1, 16, 17, 18, 33, 40])
def test_a_resumed_order_equals_the_rest_of_an_uninterrupted_one(first_step, frames, people):
    order = BatchOrder(np.arange(132), 8, seed=5, window_megabytes=frames * FRAME_MEGABYTES)
    whole, _ = batches_of(people.path, order, 50)
    resumed, _ = batches_of(people.path, replace(order, first_step=first_step), 50 - first_step)
    for (frames, labels), (other_frames, other_labels) in zip(whole[first_step:], resumed, strict=True):
        np.testing.assert_array_equal(frames, other_frames)
        np.testing.assert_array_equal(labels, other_labels)


def test_a_block_is_read_once_an_epoch_with_a_small_window(people):
    order = BatchOrder(np.arange(132), 4, seed=5, window_megabytes=0)
    assert window_rows(order, COURSE_SHAPE.samples) == 144
    _, taken = batches_of(people.path, order, 33)
    # Six videos of 25 frames, each of which is a block.
    assert sum(len(round_.new_rows) for round_ in taken) == 150


def test_sequences_of_scattered_frames_are_complete(made_data):
    order = BatchOrder(np.arange(600), 7, seed=1, window_megabytes=0)
    batches, _ = batches_of(made_data.path, order, 2 * 86)
    number_of = {labels.tobytes(): number for number, labels in enumerate(made_data.labels)}
    seen = []
    for frames, labels in batches:
        numbers = [number_of[sequence.tobytes()] for sequence in labels]
        np.testing.assert_array_equal(frames, made_data.frames[made_data.sequences[numbers]])
        seen += numbers
    assert sorted(seen[:600]) == sorted(seen[600:]) == list(range(600))


def test_the_window_has_the_requested_size_but_at_least_two_batches_and_three_loads():
    assert window_rows(BatchOrder(np.arange(9), 8, 0, window_megabytes=64), COURSE_SHAPE.samples) == 5208
    assert window_rows(BatchOrder(np.arange(9), 8, 0, window_megabytes=0.5), COURSE_SHAPE.samples) == 160
    assert window_rows(BatchOrder(np.arange(9), 2, 0, window_megabytes=0.5), COURSE_SHAPE.samples) == 144
    assert window_rows(BatchOrder(np.arange(9), 20, 0, window_megabytes=64), SequenceShape(4, 512, 1024).samples) == 160


@pytest.mark.parametrize("window, frames_of_loads", [(0, [25] * 6), (490, [50] * 3), (970, [100, 50])])
def test_blocks_enter_a_few_at_a_time(window, frames_of_loads, people):
    # Each of the six videos has 25 frames and is a block. A load is an eighth of the window, but at least 48 frames.
    order = BatchOrder(np.arange(132), 4, seed=5, window_megabytes=window * FRAME_MEGABYTES)
    _, taken = batches_of(people.path, order, 33)
    assert [len(round_.new_rows) for round_ in taken if len(round_.new_rows)] == frames_of_loads


def test_rounds_are_small(people):
    order = BatchOrder(np.arange(132), 4, seed=5)
    with SequenceStore(people.path) as store:
        for round_ in islice(rounds(store, order, store.shape.samples), 50):
            assert len(round_.new_frames) <= 384 and round_.labels.shape[0] * 4 <= 1024
