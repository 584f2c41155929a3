import numpy as np
import pytest

from pipeline.store.blocks import by_video, cut_into_blocks
from pipeline.store.reader import SequenceStore


def frames_of(store, blocks):
    return [np.unique(store.read_frame_numbers(blocks.of(block))) for block in range(len(blocks.ends))]


@pytest.mark.parametrize("most_frames", [10, 11, 17, 24, 25, 1000])
def test_blocks_have_every_sequence_once_and_no_more_frames_than_requested(most_frames, people):
    indices = np.random.default_rng(0).permutation(132)[:120]
    with SequenceStore(people.path) as store:
        blocks = cut_into_blocks(store, indices, most_frames)
        assert sorted(blocks.sequences) == sorted(indices)
        parts = [blocks.of(block).tolist() for block in range(len(blocks.ends))]
        assert sum(parts, []) == blocks.sequences.tolist() and all(parts)
        for block, frames in enumerate(frames_of(store, blocks)):
            assert len(frames) <= blocks.frames[block] <= most_frames
            assert len(np.unique(store.videos[blocks.of(block)])) == 1


def test_a_block_is_a_whole_video_if_that_fits(people):
    with SequenceStore(people.path) as store:
        blocks = cut_into_blocks(store, np.arange(132), 25)
        assert (blocks.ends.tolist(), blocks.frames.tolist()) == (list(range(22, 133, 22)), [25] * 6)


def test_parts_of_a_long_video_share_few_frames(people):
    with SequenceStore(people.path) as store:
        blocks = cut_into_blocks(store, np.arange(132), 22)
        # Of the 18 frames that a sequence of every other frame spans, the following block has at most 18 too.
        assert sum(map(len, frames_of(store, blocks))) <= 6 * (25 + 18)


def test_scattered_frames_make_blocks_of_few_sequences(made_data):
    with SequenceStore(made_data.path) as store:
        blocks = cut_into_blocks(store, np.arange(600), 35)
        for block, frames in enumerate(frames_of(store, blocks)):
            assert len(frames) <= blocks.frames[block] <= 35


def test_by_video_sorts_by_video_and_first_frame(people):
    with SequenceStore(people.path) as store:
        ordered = by_video(store, np.random.default_rng(1).permutation(132))
        keys = list(zip(store.videos[ordered], store.first_frames[ordered], strict=True))
        assert keys == sorted(keys)
