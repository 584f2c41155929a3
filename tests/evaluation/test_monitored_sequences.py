import numpy as np
import pytest

from evaluation.monitored_sequences import FEWEST, MOST, monitored_sequences
from pipeline.store.reader import SequenceStore


def store_of(write_data_set, path, sequences, videos):
    frames = np.zeros((sequences.max() + 1, 64, 64, 3), np.uint8)
    labels = np.zeros((len(sequences), 10, 7, 2), np.float32)
    return SequenceStore(write_data_set(path, frames, sequences.astype(np.int32), labels, videos.astype(np.int32)))


def test_the_subset_contains_each_frame_about_once(write_data_set, tmp_path):
    # Three videos of 100 frames, with a sequence starting at each frame: 273 sequences over 300 frames.
    starts = (np.arange(3)[:, None] * 100 + np.arange(91)).ravel()
    sequences = starts[:, None] + np.arange(10)
    with store_of(write_data_set, tmp_path / "data.h5", sequences, np.arange(3).repeat(91)) as store:
        monitored = monitored_sequences(store, np.arange(273))
        assert len(monitored) == 30 and (np.diff(monitored) > 0).all()
        frames, times = np.unique(store.read_frame_numbers(monitored), return_counts=True)
        assert len(frames) > 265 and times.max() <= 2
        assert np.bincount(store.videos[monitored]).tolist() == [10, 10, 10]


@pytest.mark.parametrize("number, expected", [(1, 1), (FEWEST - 1, FEWEST - 1), (MOST, MOST), (300, MOST)])
def test_the_subset_is_bounded_if_no_frames_are_shared(number, expected, write_data_set, tmp_path):
    sequences = np.arange(10 * number).reshape(number, 10)
    with store_of(write_data_set, tmp_path / "data.h5", sequences, np.arange(number)) as store:
        monitored = monitored_sequences(store, np.random.default_rng(0).permutation(number))
        assert len(np.unique(monitored)) == len(monitored) == expected
        assert len(np.unique(monitored * expected // number)) == expected


def test_only_the_given_sequences_are_chosen(people):
    with SequenceStore(people.path) as store:
        indices = np.flatnonzero(store.videos == 4)
        monitored = monitored_sequences(store, indices)
        assert len(monitored) == FEWEST < len(indices) and set(monitored) <= set(indices)
