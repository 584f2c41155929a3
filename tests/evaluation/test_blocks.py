import numpy as np
import pytest

from evaluation.blocks import FRAMES_PER_BLOCK, SEQUENCES_PER_BLOCK, evaluation_blocks
from pipeline.store.reader import SequenceStore

INDICES = np.random.default_rng(0).permutation(600)


@pytest.mark.parametrize("number", [1, SEQUENCES_PER_BLOCK, SEQUENCES_PER_BLOCK + 1, 600])
def test_blocks_hold_every_sequence_once(number, made_data):
    with SequenceStore(made_data.path) as store:
        blocks = list(evaluation_blocks(store, INDICES[:number]))
    assert sorted(np.concatenate([block.indices for block in blocks])) == sorted(INDICES[:number])
    for block in blocks:
        assert 0 < len(block.indices) <= SEQUENCES_PER_BLOCK
        expected_frames = made_data.frames[made_data.sequences[block.indices]]
        np.testing.assert_array_equal(block.frames[block.rows], expected_frames)
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
    monkeypatch.setattr("evaluation.blocks.SEQUENCES_PER_BLOCK", 22)
    with SequenceStore(people.path) as store:
        for block in evaluation_blocks(store, np.arange(132)):
            assert len(np.unique(store.videos[block.indices])) == 1
            assert len(block.frames) == 25


def test_a_block_holds_as_many_whole_videos_as_fit(made_data):
    with SequenceStore(made_data.path) as store:
        blocks = list(evaluation_blocks(store, INDICES))
    assert [len(block.indices) for block in blocks] == [250, 250, 100]


@pytest.mark.parametrize("sequences_per_block", [22, 30, 43, 50, 132])
def test_frames_of_videos_that_fit_are_read_once(sequences_per_block, people, monkeypatch):
    monkeypatch.setattr("evaluation.blocks.SEQUENCES_PER_BLOCK", sequences_per_block)
    monkeypatch.setattr("evaluation.blocks.FRAMES_PER_BLOCK", 150)
    with SequenceStore(people.path) as store:
        blocks = list(evaluation_blocks(store, np.arange(132)))
    assert sum(len(block.frames) for block in blocks) == 150
    assert len(blocks) == -(-6 // (sequences_per_block // 22))


def test_a_video_that_does_not_fit_is_cut(people, monkeypatch):
    monkeypatch.setattr("evaluation.blocks.SEQUENCES_PER_BLOCK", 15)
    with SequenceStore(people.path) as store:
        blocks = list(evaluation_blocks(store, np.arange(132)))
    assert [len(block.indices) for block in blocks] == [15, 7] * 6


@pytest.mark.parametrize("frames_per_block, expected", [(9, 1), (10, 1), (19, 1), (20, 2), (45, 4)])
def test_a_block_of_sequences_that_share_nothing_is_bounded_by_its_frames(
    frames_per_block, expected, made_data, write_data_set, tmp_path, monkeypatch
):
    sequences = np.arange(100, dtype=np.int32).reshape(10, 10)
    arrays = made_data.frames, sequences, made_data.labels[:10], np.zeros(10, np.int32)
    monkeypatch.setattr("evaluation.blocks.FRAMES_PER_BLOCK", frames_per_block)
    with SequenceStore(write_data_set(tmp_path / "apart.h5", *arrays)) as store:
        blocks = list(evaluation_blocks(store, np.arange(10)))
    assert [len(block.indices) for block in blocks[:-1]] == [expected] * (len(blocks) - 1)
    assert sum(len(block.frames) for block in blocks) == 100


def test_frames_of_a_block_are_no_more_than_the_bound(made_data, people):
    for path, number in ((made_data.path, 600), (people.path, 132)):
        with SequenceStore(path) as store:
            for block in evaluation_blocks(store, np.arange(number)):
                assert len(block.frames) <= FRAMES_PER_BLOCK
