import numpy as np
import pytest

from pipeline.mean_pose import mean_pose
from pipeline.store.reader import SequenceStore


@pytest.mark.parametrize("indices", [[0], [599], [5, 5, 7], np.arange(600), np.arange(600)[::-7]])
def test_is_the_mean_over_sequences_and_frames(indices, made_data):
    indices = np.asarray(indices)
    with SequenceStore(made_data.path) as store:
        pose = mean_pose(store, indices)
    assert (pose.dtype, pose.shape) == (np.float32, (7, 2))
    np.testing.assert_allclose(pose, made_data.labels[indices].astype(np.float64).mean(axis=(0, 1)), rtol=1e-6)


@pytest.mark.parametrize("indices", [[0], np.arange(132), np.arange(22, 132), np.arange(0, 132, 3), [5, 5, 7]])
def test_sums_in_the_file_give_the_same(indices, people):
    with SequenceStore(people.path) as store:
        assert store.has_label_sums
        pose = mean_pose(store, np.asarray(indices))
    expected = people.labels[indices].astype(np.float64).mean(axis=(0, 1))
    np.testing.assert_allclose(pose, expected, rtol=1e-6)


def test_for_whole_videos_no_labels_are_read(people, monkeypatch):
    with SequenceStore(people.path) as store:
        monkeypatch.setattr(store, "read_labels", None)
        pose = mean_pose(store, np.flatnonzero(store.videos != 3))
    expected = people.labels[np.arange(132) // 22 != 3].astype(np.float64)
    assert len(expected) in (110,) and np.isfinite(pose).all()


def test_is_exact_to_float32_far_from_zero(write_data_set, tmp_path):
    labels = np.full((700, 10, 7, 2), 1000.125, np.float32)
    arrays = np.zeros((1, 64, 64, 3), np.uint8), np.zeros((700, 10), np.int32), labels, np.zeros(700, np.int32)
    with SequenceStore(write_data_set(tmp_path / "data.h5", *arrays)) as store:
        assert (mean_pose(store, np.arange(700)) == np.float32(1000.125)).all()
