import numpy as np
import pytest

from pipeline.evaluation_blocks import SEQUENCES_PER_BLOCK, evaluation_blocks
from pipeline.store import SequenceStore

INDICES = np.random.default_rng(0).permutation(600)


@pytest.mark.parametrize("number", [1, SEQUENCES_PER_BLOCK, SEQUENCES_PER_BLOCK + 1, 600])
def test_blocks_hold_every_sequence_once(number, made_data):
    with SequenceStore(made_data.path) as store:
        blocks = list(evaluation_blocks(store, INDICES[:number]))
    assert sorted(np.concatenate([block.indices for block in blocks])) == sorted(INDICES[:number])
    assert [len(block.indices) for block in blocks[:-1]] == [SEQUENCES_PER_BLOCK] * (len(blocks) - 1)
    assert len(blocks) == -(-number // SEQUENCES_PER_BLOCK)
    for block in blocks:
        expected_frames = made_data.frames[made_data.sequences[block.indices]]
        np.testing.assert_array_equal(block.frames[block.positions], expected_frames)
        np.testing.assert_array_equal(block.labels, made_data.labels[block.indices])
        assert (block.frames.dtype, block.labels.dtype) == (np.uint8, np.float32)


def test_each_different_frame_of_a_block_is_in_it_once(made_data):
    with SequenceStore(made_data.path) as store:
        for block in evaluation_blocks(store, INDICES):
            assert len(block.frames) == len(np.unique(made_data.sequences[block.indices]))


def test_no_sequences_give_no_blocks(made_data):
    with SequenceStore(made_data.path) as store:
        assert list(evaluation_blocks(store, np.zeros(0, int))) == []


def test_overlapping_sequences_come_together(people, monkeypatch):
    monkeypatch.setattr("pipeline.evaluation_blocks.SEQUENCES_PER_BLOCK", 22)
    with SequenceStore(people.path) as store:
        for block in evaluation_blocks(store, np.arange(132)):
            assert len(np.unique(store.videos[block.indices])) == 1
            assert len(block.frames) == 25
