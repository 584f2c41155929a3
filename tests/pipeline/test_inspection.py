import os

import h5py
import numpy as np
import pytest

from pipeline.inspection import HEAT_CELLS, inspect_store
from pipeline.store.reader import SequenceStore
from support.user_error import UserError
from tests.conftest import write_arrays


def inspected(path):
    with SequenceStore(path) as store:
        return inspect_store(store)


@pytest.fixture(scope="module")
def of_people(people):
    return inspected(people.path)


def test_facts_are_those_that_numpy_counts(of_people, people):
    facts = dict(of_people.facts)
    with h5py.File(people.path) as file:
        frames, sequences, videos = (file[name][:] for name in ("frames", "sequences", "videos"))
    uses = np.bincount(np.concatenate([np.unique(frames) for frames in sequences]), minlength=len(frames))
    sharing = (uses[sequences] > 1).any(axis=1).sum()
    assert facts["sequences"] == f"{len(sequences)}; {sharing} share a frame with another sequence"
    assert facts["distinct frames"] == f"{len(frames)} in {sequences.size} places"
    sizes = np.bincount(videos)
    assert (
        facts["videos"] == f"{len(sizes)}, of {sizes.min()} to {sizes.max()} sequences, median {np.median(sizes):.0f}"
    )
    x, y = people.labels[..., 0], people.labels[..., 1]
    assert facts["x of the labels"] == f"{x.min():.2f} to {x.max():.2f} px"
    assert facts["y of the labels"] == f"{y.min():.2f} to {y.max():.2f} px"
    assert facts["source"] == "people.pkl" and facts["checksums"] == "all match"
    np.testing.assert_allclose(of_people.mean_frame, frames.mean(axis=0))


def test_joints_are_those_that_numpy_computes(of_people, people):
    joints, labels = of_people.joints, people.labels.astype(np.float64).reshape(-1, 7, 2)
    np.testing.assert_allclose(joints.mean, labels.mean(axis=0), rtol=1e-9)
    np.testing.assert_allclose(joints.deviation, labels.std(axis=0), rtol=1e-6)
    np.testing.assert_array_equal(joints.minimum, people.labels.min(axis=(0, 1)))
    np.testing.assert_array_equal(joints.maximum, people.labels.max(axis=(0, 1)))
    for joint in range(7):
        x, y = labels[:, joint].T
        expected, _, _ = np.histogram2d(y, x, HEAT_CELLS, [[0, 64], [0, 64]])
        np.testing.assert_array_equal(joints.heat[joint], expected)
        outside = (x < 0) | (x > 64) | (y < 0) | (y > 64)
        assert joints.outside[joint] == pytest.approx(outside.mean())


def test_the_video_split_shares_nothing_and_the_others_do(of_people):
    splits = dict(of_people.splits)
    assert set(splits) == {"video", "random", "tail"}
    assert splits["video"].endswith(" 0 share frames with training")
    assert splits["random"].endswith("100 share frames with training")


def test_positions_outside_the_frame_are_in_no_cell(write_data_set, made_data, tmp_path):
    path = write_data_set(tmp_path / "data.h5", *made_data.version_1)
    joints = inspected(path).joints
    labels = made_data.labels.reshape(-1, 7, 2)
    outside = ((labels < 0) | (labels > 64)).any(axis=-1)
    np.testing.assert_allclose(joints.outside, outside.mean(axis=0))
    assert joints.heat.sum() == (~outside).sum()


def test_a_frame_in_two_videos_is_reported(of_people, write_data_set, made_data, tmp_path):
    sequences = np.arange(40, dtype=np.int32).reshape(4, 10)
    arrays = made_data.frames, sequences, made_data.labels[:4], np.arange(4, dtype=np.int32)
    assert not any(
        "more than one video" in text for text in inspected(write_arrays(tmp_path / "a.h5", *arrays)).warnings
    )
    sequences[3, 5:7] = 0, 12
    path = write_arrays(tmp_path / "b.h5", *arrays)
    assert "more than one video contains 2 frames, so a split by video shares frames" in inspected(path).warnings


@pytest.mark.parametrize("name, message", [("digests", "is not that of the frame"), ("label_sums", "do not match")])
def test_digests_and_sums_that_do_not_match_are_refused(name, message, made_data, tmp_path):
    arrays = {
        field: getattr(made_data, field).copy()
        for field in ("frames", "sequences", "labels", "videos", "digests", "label_sums")
    }
    arrays[name].reshape(-1)[-1] += 1
    with pytest.raises(UserError, match=message) as refused:
        inspected(write_arrays(tmp_path / "data.h5", **arrays))
    assert os.fspath(tmp_path) in str(refused.value)


def test_a_file_of_version_1_and_one_sequence(write_data_set, made_data, tmp_path):
    path = write_data_set(tmp_path / "data.h5", made_data.frames, *(rows[:1] for rows in made_data.version_1[1:]))
    inspection = inspected(path)
    assert dict(inspection.facts)["checksums"].startswith("all match; the file has no digests")
    assert {text for _, text in inspection.splits} == {"not possible: the data set is too small"}
