from itertools import islice, pairwise

import numpy as np
import pytest

from pipeline.batch_order import epoch_order, quasi_random_order, steps_from, steps_per_epoch, worker_part
from pipeline.store.blocks import Blocks

INDICES = np.random.default_rng(0).permutation(1000)[:53]


def made_blocks(number=40, seed=0):
    """Blocks of 5 to 30 sequences over as many frames and 9 more."""
    sizes = np.random.default_rng(seed).integers(5, 31, number)
    return Blocks(np.arange(sizes.sum(), dtype=np.int32), np.cumsum(sizes), sizes + 9)


def turns_of_blocks(blocks, order):
    """For each sequence in the order of training, the position of its block in the order of reading."""
    turns = np.empty(len(blocks.ends), int)
    turns[order.blocks] = np.arange(len(blocks.ends))
    return turns[np.searchsorted(blocks.ends, order.places, side="right")]


def test_a_full_permutation_has_every_sequence_once():
    for epoch in range(5):
        assert sorted(epoch_order(INDICES, seed=4, epoch=epoch)) == sorted(INDICES)


def test_the_full_permutation_is_a_function_of_seed_and_epoch():
    orders = {(seed, epoch): epoch_order(INDICES, seed, epoch).tolist() for seed in (0, 1) for epoch in (0, 1, 10)}
    assert len({tuple(order) for order in orders.values()}) == 6
    np.random.seed(5)
    for (seed, epoch), order in orders.items():
        assert epoch_order(INDICES, seed, epoch).tolist() == order


def test_the_given_sequences_are_not_changed():
    before = INDICES.copy()
    epoch_order(INDICES, 0, 0)
    np.testing.assert_array_equal(INDICES, before)


@pytest.mark.parametrize("window", [0, 50, 200, 600])
def test_a_quasi_random_order_has_every_block_and_sequence_once(window):
    blocks = made_blocks()
    order = quasi_random_order(blocks, window, seed=1, epoch=2)
    assert sorted(order.blocks) == list(range(40))
    assert sorted(order.places) == list(range(len(blocks.sequences)))


def test_a_quasi_random_order_is_a_function_of_seed_and_epoch():
    blocks = made_blocks()
    orders = {
        (seed, epoch): quasi_random_order(blocks, 200, seed, epoch).places.tolist()
        for seed in (0, 1)
        for epoch in (0, 1)
    }
    assert len({tuple(order) for order in orders.values()}) == 4
    np.random.seed(5)
    for (seed, epoch), order in orders.items():
        assert quasi_random_order(blocks, 200, seed, epoch).places.tolist() == order


@pytest.mark.parametrize("window", [60, 200, 400])
def test_the_blocks_in_use_at_any_time_fit_into_about_the_window(window):
    blocks = made_blocks()
    order = quasi_random_order(blocks, window, seed=3, epoch=0)
    turns = turns_of_blocks(blocks, order)
    first = np.minimum.accumulate(turns[::-1])[::-1]
    last = np.maximum.accumulate(turns)
    through = np.concatenate([[0], np.cumsum(blocks.frames[order.blocks])])
    assert (through[last + 1] - through[first]).max() <= window + 2 * blocks.frames.max()


def test_every_batch_has_sequences_of_many_blocks():
    """In a window of ten equal blocks, a batch of 16 has sequences of several, also at both ends of the epoch."""
    blocks = Blocks(np.arange(4000, dtype=np.int32), np.arange(50, 4001, 50), np.full(80, 60))
    turns = turns_of_blocks(blocks, quasi_random_order(blocks, 600, seed=0, epoch=0))
    kinds = [len(set(turns[start : start + 16])) for start in range(0, 4000, 16)]
    # Ten equally likely blocks would give 8.1 on average.
    assert min(kinds) >= 3 and np.mean(kinds) > 7


@pytest.mark.parametrize("number, batch_size, expected", [(53, 8, 7), (56, 8, 7), (57, 8, 8), (3, 8, 1), (8, 1, 8)])
def test_steps_per_epoch_count_the_short_batch(number, batch_size, expected):
    assert steps_per_epoch(number, batch_size) == expected


@pytest.mark.parametrize(
    "first_step, expected",
    [
        (0, [(0, 0), (1, 0), (2, 0)]),
        (6, [(0, 6), (1, 0), (2, 0)]),
        (7, [(1, 0), (2, 0), (3, 0)]),
        (30, [(4, 2), (5, 0), (6, 0)]),
    ],
)
def test_steps_from_begins_within_an_epoch(first_step, expected):
    assert list(islice(steps_from(first_step, 7), 3)) == expected


def cuts_of(part, total):
    return [part.cut(shard, total) for shard in range(part.first, part.end + 1)]


@pytest.mark.parametrize("total", [1, 2, 3, 4, 7, 16])
@pytest.mark.parametrize(("workers", "shards"), [(1, 1), (2, 2), (3, 3), (1, 4), (2, 4), (4, 4)])
def test_the_parts_of_all_workers_cover_each_batch_once(total, workers, shards):
    cuts = [cuts_of(worker_part(worker, workers, shards), total) for worker in range(workers)]
    pieces = [np.arange(*ends) for of_worker in cuts for ends in pairwise(of_worker)]
    assert len(pieces) == shards
    np.testing.assert_array_equal(np.concatenate(pieces), np.arange(total))
    sizes = [len(piece) for piece in pieces]
    assert sorted(sizes) == sorted(len(piece) for piece in np.array_split(np.arange(total), shards))


def test_shards_do_not_depend_on_the_number_of_workers():
    for total in range(1, 10):
        alone = cuts_of(worker_part(0, 1, 4), total)
        of_two = [cuts_of(worker_part(worker, 2, 4), total) for worker in (0, 1)]
        assert alone == [*of_two[0], *of_two[1][1:]]
