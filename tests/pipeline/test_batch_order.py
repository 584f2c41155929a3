from itertools import islice

import numpy as np
import pytest

from pipeline.batch_order import endless_batches, epoch_order, steps_per_epoch

INDICES = np.random.default_rng(0).permutation(1000)[:53]


def batches(number, batch_size, seed=4, first_step=0):
    return [batch.tolist() for batch in islice(endless_batches(INDICES, batch_size, seed, first_step), number)]


def test_an_epoch_holds_every_sequence_once():
    for epoch in range(5):
        assert sorted(epoch_order(INDICES, seed=4, epoch=epoch)) == sorted(INDICES)


def test_the_order_is_a_function_of_seed_and_epoch():
    orders = {(seed, epoch): epoch_order(INDICES, seed, epoch).tolist() for seed in (0, 1) for epoch in (0, 1, 10)}
    assert len({tuple(order) for order in orders.values()}) == 6
    np.random.seed(5)
    for (seed, epoch), order in orders.items():
        assert epoch_order(INDICES, seed, epoch).tolist() == order


def test_the_sequences_given_are_left_as_they_are():
    before = INDICES.copy()
    epoch_order(INDICES, 0, 0)
    batches(10, 8)
    np.testing.assert_array_equal(INDICES, before)


@pytest.mark.parametrize("number, batch_size, expected", [(53, 8, 7), (56, 8, 7), (57, 8, 8), (3, 8, 1), (8, 1, 8)])
def test_steps_per_epoch_count_the_short_batch(number, batch_size, expected):
    assert steps_per_epoch(number, batch_size) == expected


@pytest.mark.parametrize("batch_size", [1, 8, 52, 53, 54])
def test_batches_are_the_epochs_cut_up(batch_size):
    steps = steps_per_epoch(53, batch_size)
    drawn = batches(3 * steps, batch_size)
    for epoch in range(3):
        parts = drawn[epoch * steps : (epoch + 1) * steps]
        assert sum(parts, []) == epoch_order(INDICES, 4, epoch).tolist()
        assert all(len(part) == batch_size for part in parts[:-1])
        assert len(parts[-1]) == 53 - (steps - 1) * batch_size


@pytest.mark.parametrize("first_step", [1, 6, 7, 8, 13, 14, 29])
def test_going_on_from_a_step_gives_what_is_left_of_an_uninterrupted_order(first_step):
    assert batches(40 - first_step, 8, first_step=first_step) == batches(40, 8)[first_step:]
