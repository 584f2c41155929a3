"""A run on several data sets: their split, their shares of an epoch, and what the run records of them."""

import contextlib

import h5py
import numpy as np
import pytest

from run.cluster.comparison import compared_properties, differences, fingerprints
from run.cluster.tf_config import Cluster
from run.data import data_identity, describe_run_data, open_run_data
from run.folder import RunPaths
from run.settings import complete_settings
from support.user_error import UserError

# Of two copies of a file, of which the first lacks some videos, it holds out different ones.
SEED_THAT_SHARES = 2


@pytest.fixture
def opened(tmp_path):
    """Opens the data of these settings as a run does; returns the settings and the RunData, still open."""
    with contextlib.ExitStack() as open_files:

        def opened(**given):
            settings = complete_settings(given)
            return settings, open_run_data(settings, RunPaths(str(tmp_path)), open_files)

        yield opened


@pytest.fixture
def both(people, made_data):
    """`people`, six videos of 22 sequences, and the made data, twelve videos of 50, three times."""
    return [str(people.path), f"{made_data.path}:3"]


@pytest.mark.parametrize("split", ["video", "random", "tail", "none"])
def test_each_file_is_split_and_repeated_by_its_weight(split, both, opened):
    _, data = opened(data=both, validation_split=split, validation_sequences=122, seed=1)
    counts = np.bincount(data.training, minlength=732)
    held_out = np.zeros(732, bool)
    held_out[data.validation] = split != "none"
    np.testing.assert_array_equal(counts, np.where(held_out, 0, np.repeat([1, 3], [132, 600])))
    # In proportion to 132 and 600 sequences; with "video", one whole video of 22 and two of 50.
    in_first = int((data.validation < 132).sum())
    assert (in_first, len(data.validation) - in_first) == (22, 100)


def test_validation_data_leaves_all_files_to_train_on(both, people, opened):
    _, data = opened(data=both, validation_data=str(people.path), videos=["people.h5:1-2"])
    chosen = np.flatnonzero(np.isin(data.store.videos[:132], [1, 2]))
    assert sorted(data.training) == sorted([*chosen, *3 * list(range(132, 732))])
    assert data.validation.tolist() == list(range(132))


def test_the_mean_pose_is_weighted(both, people, made_data, opened):
    _, data = opened(data=both, validation_data=str(people.path))
    labels = np.concatenate([people.labels, *3 * [made_data.labels]]).astype(np.float64)
    np.testing.assert_allclose(data.mean_pose, labels.mean(axis=(0, 1)), rtol=1e-6)


def test_the_share_of_each_file_is_described(both, opened):
    settings, data = opened(data=both, exclude_videos=["made.h5:11"], validation_sequences=100, seed=1)
    first, second, third, fourth, *_ = describe_run_data(settings, data).splitlines()
    assert first == "training:       560 sequences from 14 videos"
    assert second.strip().startswith("people.h5: 110 sequences from 5 videos (")
    assert second.endswith(" in reports), 8 % of an epoch; 22 held out")
    assert third.startswith("                made.h5: 450 sequences from 9 videos (")
    assert third.endswith(" in reports), 92 % of an epoch, each 3 times; 100 held out")
    assert fourth.startswith("validation:     122 sequences from 3 videos (split: video); ")


def test_a_single_file_is_described_as_before(people, opened):
    settings, data = opened(data=str(people.path), validation_sequences=20, seed=3)
    first, second, *_ = describe_run_data(settings, data).splitlines()
    assert (first, second[:11]) == ("training:       110 sequences from 5 videos", "validation:")
    assert data.paths == [str(people.path)] and data_identity(data).data_sha256 == data.store.source_sha256


def test_the_identity_names_every_source_and_weight(both, people, made_data, opened):
    with h5py.File(people.path) as file:
        sha256 = file.attrs["source_sha256"].decode()
    _, data = opened(data=both)
    identity = data_identity(data)
    assert identity.data_sha256 == f"{sha256}, {'ab' * 32} ×3"
    _, other = opened(data=[both[0], f"{made_data.path}:2"])
    assert data_identity(other).data_sha256 == f"{sha256}, {'ab' * 32} ×2"


def test_workers_with_other_files_are_told_which_files_differ(both, made_data, opened):
    properties = [
        compared_properties(settings, data_identity(data), "float32")
        for settings, data in (opened(data=both), opened(data=[both[0], f"{made_data.path}:2"]))
    ]
    rows = np.array([fingerprints(one) for one in properties])
    [message] = differences(Cluster(("a:1", "b:2"), 0), properties[0], rows)
    assert "the data people.h5, made.h5:3 (the SHA-256 of their sources, and their weights)" in message


def test_what_cannot_be_mixed_is_refused(both, made_data, write_data_set, opened, tmp_path):
    small = made_data.frames[:, :24, :40], made_data.sequences, made_data.labels, made_data.videos
    other = write_data_set(tmp_path / "small.h5", *small)
    with pytest.raises(UserError, match=r"small\.h5 has 10 frames of 40×24 px, but .*people\.h5 has"):
        opened(data=[both[0], str(other)])
    with pytest.raises(UserError, match="has .* twice; give it once, with a weight"):
        opened(data=[both[0], both[0]])
    with pytest.raises(FileNotFoundError):
        opened(data=[*both, str(tmp_path / "nothing.h5")])


def test_frames_that_files_share_are_counted(people, opened, tmp_path):
    """Of a copy, videos are held out that the first file trains on."""
    copy = tmp_path / "copy.h5"
    copy.write_bytes(people.path.read_bytes())
    data = [str(people.path), str(copy)]
    settings, data = opened(data=data, videos=["people.h5:0-2"], validation_sequences=60, seed=SEED_THAT_SHARES)
    frames = np.concatenate([people.frames, people.frames])
    trained = {frame.tobytes() for frame in frames[data.training].reshape(-1, 64, 64, 3)}
    shared = sum(any(frame.tobytes() in trained for frame in sequence) for sequence in frames[data.validation])
    assert 0 < shared < len(data.validation)
    assert f"; {shared} share frames with training" in describe_run_data(settings, data)
    assert "measures:       memorization" in describe_run_data(settings, data)
