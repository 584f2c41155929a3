import numpy as np
import pytest

from evaluation.watched_sequences import FEWEST, MOST, watched_sequences
from pipeline.store.reader import SequenceStore


def store_of(write_data_set, path, sequences, videos):
    frames = np.zeros((sequences.max() + 1, 64, 64, 3), np.uint8)
    labels = np.zeros((len(sequences), 10, 7, 2), np.float32)
    return SequenceStore(write_data_set(path, frames, sequences.astype(np.int32), labels, videos.astype(np.int32)))


def test_overlapping_sequences_are_thinned_to_about_one_for_each_frame(write_data_set, tmp_path):
    # Three videos of 100 frames, a sequence from each start: 273 sequences over 300 frames.
    starts = (np.arange(3)[:, None] * 100 + np.arange(91)).ravel()
    sequences = starts[:, None] + np.arange(10)
    with store_of(write_data_set, tmp_path / "data.h5", sequences, np.arange(3).repeat(91)) as store:
        watched = watched_sequences(store, np.arange(273))
        assert len(watched) == 30 and (np.diff(watched) > 0).all()
        frames, times = np.unique(store.read_frame_numbers(watched), return_counts=True)
        assert len(frames) > 265 and times.max() <= 2
        assert np.bincount(store.videos[watched]).tolist() == [10, 10, 10]


@pytest.mark.parametrize("number, expected", [(1, 1), (FEWEST - 1, FEWEST - 1), (MOST, MOST), (300, MOST)])
def test_of_sequences_that_share_nothing_there_are_no_more_than_a_bound(number, expected, write_data_set, tmp_path):
    sequences = np.arange(10 * number).reshape(number, 10)
    with store_of(write_data_set, tmp_path / "data.h5", sequences, np.arange(number)) as store:
        watched = watched_sequences(store, np.random.default_rng(0).permutation(number))
        assert len(np.unique(watched)) == len(watched) == expected
        assert len(np.unique(watched * expected // number)) == expected


def test_of_the_validation_sequences_alone(people):
    with SequenceStore(people.path) as store:
        indices = np.flatnonzero(store.videos == 4)
        watched = watched_sequences(store, indices)
        assert len(watched) == FEWEST < len(indices) and set(watched) <= set(indices)
