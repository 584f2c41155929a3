import numpy as np
import pytest

from evaluation.evaluation_blocks import FRAMES_PER_BLOCK, SEQUENCES_PER_BLOCK, evaluation_blocks
from pipeline.store.reader import SequenceStore

INDICES = np.random.default_rng(0).permutation(600)


@pytest.mark.parametrize("number", [1, SEQUENCES_PER_BLOCK, SEQUENCES_PER_BLOCK + 1, 600])
def test_each_sequence_is_in_one_block(number, made_data):
    with SequenceStore(made_data.path) as store:
        blocks = list(evaluation_blocks(store, INDICES[:number]))
    assert sorted(np.concatenate([block.indices for block in blocks])) == sorted(INDICES[:number])
    for block in blocks:
        assert 0 < len(block.indices) <= SEQUENCES_PER_BLOCK
        expected_frames = made_data.frames[made_data.sequences[block.indices]]
        np.testing.assert_array_equal(block.frames[block.rows], expected_frames)
        np.testing.assert_array_equal(block.labels, made_data.labels[block.indices])
        assert (block.frames.dtype, block.labels.dtype) == (np.uint8, np.float32)


def test_a_block_has_each_distinct_frame_once(made_data):
    with SequenceStore(made_data.path) as store:
        for block in evaluation_blocks(store, INDICES):
            assert len(block.frames) == len(np.unique(made_data.sequences[block.indices]))


def test_no_sequences_give_no_blocks(made_data):
    with SequenceStore(made_data.path) as store:
        assert list(evaluation_blocks(store, np.zeros(0, int))) == []


@pytest.mark.parametrize("most_sequences", [22, 30, 43, 50, 132])
def test_a_block_has_as_many_whole_videos_as_fit(most_sequences, people):
    with SequenceStore(people.path) as store:
        blocks = list(evaluation_blocks(store, np.arange(132), most_sequences, most_frames=150))
        for block in blocks[:-1]:
            videos = np.unique(store.videos[block.indices])
            assert len(videos) == most_sequences // 22
            assert (len(block.indices), len(block.frames)) == (22 * len(videos), 25 * len(videos))
    assert sum(len(block.frames) for block in blocks) == 150, "each frame is read once"


def test_a_video_that_does_not_fit_is_divided(people):
    with SequenceStore(people.path) as store:
        blocks = list(evaluation_blocks(store, np.arange(132), most_sequences=15))
    assert [len(block.indices) for block in blocks] == [15, 7] * 6


@pytest.mark.parametrize("most_frames, expected", [(9, 1), (10, 1), (19, 1), (20, 2), (45, 4)])
def test_frames_bound_a_block_of_sequences_that_share_none(most_frames, expected, made_data, write_data_set, tmp_path):
    sequences = np.arange(100, dtype=np.int32).reshape(10, 10)
    arrays = made_data.frames, sequences, made_data.labels[:10], np.zeros(10, np.int32)
    with SequenceStore(write_data_set(tmp_path / "apart.h5", *arrays)) as store:
        blocks = list(evaluation_blocks(store, np.arange(10), most_frames=most_frames))
    assert [len(block.indices) for block in blocks[:-1]] == [expected] * (len(blocks) - 1)
    assert sum(len(block.frames) for block in blocks) == 100


def test_by_default_a_block_has_no_more_frames_than_the_bound(made_data, people):
    for path, number in ((made_data.path, 600), (people.path, 132)):
        with SequenceStore(path) as store:
            for block in evaluation_blocks(store, np.arange(number)):
                assert len(block.frames) <= FRAMES_PER_BLOCK
