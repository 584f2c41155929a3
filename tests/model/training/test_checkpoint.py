import math
import os
import shutil
import time

import numpy as np
import pytest

from model.training.checkpoint import (
    best_model,
    keep_best_models,
    newest_best_model,
    newest_checkpoint,
    restore_checkpoint,
    save_checkpoint,
)
from model.training.graph import build_training_graph
from pipeline.tensorflow_v1 import tf
from support.user_error import UserError
from tests.model.checkpoint_writer import LARGE_LIES, LIES, write_checkpoint


@pytest.fixture(scope="module")
def training():
    """A training graph whose data set repeats one random batch."""
    random = np.random.default_rng(0)
    frames = random.integers(0, 256, (2, 10, 64, 64, 3), dtype=np.uint8)
    labels = random.uniform(0, 64, (2, 10, 7, 2)).astype(np.float32)
    pose = np.full((7, 2), 32, np.float32)
    return build_training_graph(
        lambda: tf.data.Dataset.from_tensors((frames, labels)).repeat(), "strided", 8, pose, seed=0
    )


@pytest.fixture(scope="module")
def sessions(training):
    """Two sessions, which the tests share because the first run in a session is slow."""
    with tf.Session(graph=training.graph) as one, tf.Session(graph=training.graph) as other:
        yield one, other


@pytest.fixture
def session(training, sessions):
    """A session that has trained for three steps."""
    sessions[0].run(training.initialize)
    train(training, sessions[0], 3)
    return sessions[0]


@pytest.fixture
def other_session(training, sessions):
    """A session that has not trained."""
    sessions[1].run(training.initialize)
    return sessions[1]


def train(training, session, steps):
    return [session.run([training.loss, training.train_step], {training.learning_rate: 0.01})[0] for _ in range(steps)]


def values_of(training, session):
    """The value of every variable, by name: weights, Adam's moments and powers, averages, step, progress."""
    return session.run({variable.op.name: variable for variable in training.graph.get_collection("variables")})


@pytest.fixture
def restored(training, other_session):
    """A function that restores a folder: returns the result of restore_checkpoint and the value of every variable."""

    def restore(folder):
        checkpoint = newest_checkpoint(str(folder))
        return restore_checkpoint(checkpoint, training, other_session), values_of(training, other_session)

    return restore


def test_restores_every_variable_bit_for_bit(training, session, restored, tmp_path):
    save_checkpoint(str(tmp_path), training, session, 12.345678901234567, 7.000000000000123)
    expected = values_of(training, session)
    assert any("Adam" in name and value.any() for name, value in expected.items())
    state, values = restored(tmp_path)
    assert state == (3, 12.345678901234567, 7.000000000000123)
    assert [type(value) for value in state] == [int, float, float]
    assert values.keys() == expected.keys()
    for name, value in values.items():
        np.testing.assert_array_equal(value, expected[name])


def test_a_restored_run_trains_like_an_uninterrupted_one(training, session, other_session, tmp_path):
    save_checkpoint(str(tmp_path), training, session, 1.0, 2.0)
    expected = train(training, session, 4)
    restore_checkpoint(newest_checkpoint(str(tmp_path)), training, other_session)
    np.testing.assert_allclose(train(training, other_session, 4), expected, rtol=1e-4)


def test_the_best_error_may_be_infinite(training, session, restored, tmp_path):
    save_checkpoint(str(tmp_path), training, session, 0.0, math.inf)
    assert restored(tmp_path)[0] == (3, 0.0, math.inf)


def test_the_newest_checkpoint_is_used_and_the_previous_one_kept(training, session, restored, tmp_path):
    for best_error in (9.0, 8.0, 7.0):
        train(training, session, 2)
        save_checkpoint(str(tmp_path), training, session, 1.0, best_error)
    assert newest_checkpoint(str(tmp_path)).step == 9
    assert restored(tmp_path)[0] == (9, 1.0, 7.0)
    assert sorted(path.name for path in tmp_path.glob("*.index")) == ["training-7.index", "training-9.index"]


def test_the_folder_can_be_moved(training, session, restored, tmp_path):
    (tmp_path / "last").mkdir()
    save_checkpoint(str(tmp_path / "last"), training, session, 1.0, 2.0)
    shutil.move(tmp_path / "last", tmp_path / "moved")
    assert newest_checkpoint(str(tmp_path / "moved")).step == 3
    assert restored(tmp_path / "moved")[0] == (3, 1.0, 2.0)


def test_a_folder_without_a_checkpoint(tmp_path):
    for folder in (tmp_path, tmp_path / "nowhere"):
        assert newest_checkpoint(str(folder)) is None


@pytest.fixture
def two_checkpoints(training, session, tmp_path):
    """A folder with the checkpoints of steps 3 and 5, and the values of the earlier one."""
    save_checkpoint(str(tmp_path), training, session, 1.0, 2.0)
    values = values_of(training, session)
    train(training, session, 2)
    save_checkpoint(str(tmp_path), training, session, 3.0, 1.5)
    return tmp_path, values


def cut_in_half(contents):
    return contents[: len(contents) // 2]


def with_a_bit_flipped(contents):
    place = len(contents) // 3
    return contents[:place] + bytes([contents[place] ^ 4]) + contents[place + 1 :]


@pytest.mark.promise("A truncated or damaged checkpoint is detected, and the run resumes from the previous one")
@pytest.mark.parametrize("name", ["training-5.data-00000-of-00001", "training-5.index"])
@pytest.mark.parametrize("damage", [cut_in_half, with_a_bit_flipped, lambda contents: b""])
def test_the_checkpoint_before_a_damaged_one_is_used(damage, name, two_checkpoints, restored):
    folder, expected = two_checkpoints
    (folder / name).write_bytes(damage((folder / name).read_bytes()))
    checkpoint = newest_checkpoint(str(folder))
    assert (checkpoint.step, checkpoint.damaged) == (3, ["training-5"])
    state, values = restored(folder)
    assert state == (3, 1.0, 2.0)
    for variable, value in values.items():
        np.testing.assert_array_equal(value, expected[variable])
    three = ["checkpoint", "training-3.data-00000-of-00001", "training-3.index"]
    assert sorted(path.name for path in folder.iterdir()) == three


@pytest.mark.promise("A truncated or damaged checkpoint is detected, and the run resumes from the previous one")
@pytest.mark.parametrize("contents", [None, "", 'model_checkpoint_path: "train'])
def test_tensorflow_s_list_of_checkpoints_may_be_truncated_or_missing(contents, two_checkpoints, restored):
    folder, _ = two_checkpoints
    (folder / "checkpoint").unlink() if contents is None else (folder / "checkpoint").write_text(contents)
    checkpoint = newest_checkpoint(str(folder))
    assert (checkpoint.step, checkpoint.damaged) == (5, [])
    assert restored(folder)[0] == (5, 3.0, 1.5)


@pytest.mark.promise("A truncated or damaged checkpoint is detected, and the run resumes from the previous one")
def test_a_folder_with_only_damaged_checkpoints_is_an_error(two_checkpoints):
    folder, _ = two_checkpoints
    for path in folder.glob("*.data-*"):
        path.write_bytes(b"")
    with pytest.raises(UserError, match="has only damaged checkpoints; start a new run"):
        newest_checkpoint(str(folder))


VALUES = {
    "global_step": np.array(3),
    "training_seconds": np.array(1.5),
    "weights": np.arange(12, dtype=np.float32).reshape(3, 4),
}


@pytest.mark.slow
@pytest.mark.promise(
    "A checkpoint with a forged index is detected even if its checksums are valid, and sizes it claims use no memory"
)
def test_the_checkpoint_before_ones_with_a_false_index_is_used(tmp_path):
    """TensorFlow aborts the process that reads some of them, and allocates terabytes for others."""
    lies = {**LIES, **LARGE_LIES}
    for step, lie in enumerate(lies.values(), start=2):
        write_checkpoint(tmp_path / f"training-{step}", VALUES, **lie)
    with pytest.raises(UserError, match="has only damaged checkpoints"):
        newest_checkpoint(str(tmp_path))
    write_checkpoint(tmp_path / "training-1", VALUES)
    checkpoint = newest_checkpoint(str(tmp_path))
    assert checkpoint.step == 1 and len(checkpoint.damaged) == len(lies)


def test_an_index_of_arbitrary_bytes_is_damaged(tmp_path):
    random = np.random.default_rng(0)
    write_checkpoint(tmp_path / "training-1", VALUES)
    whole = (tmp_path / "training-1.index").read_bytes()
    indices = [whole[:length] for length in range(0, len(whole), 29)] + [random.bytes(200) for _ in range(20)]
    for step, index in enumerate(indices, start=2):
        write_checkpoint(tmp_path / f"training-{step}", VALUES)
        (tmp_path / f"training-{step}.index").write_bytes(index)
    checkpoint = newest_checkpoint(str(tmp_path))
    assert checkpoint.step == 1 and len(checkpoint.damaged) == len(indices)


def test_resuming_removes_partial_files_and_keeps_two_checkpoints(training, session, two_checkpoints):
    folder, _ = two_checkpoints
    (folder / "training-7.data-00000-of-00001").write_bytes(b"without an index")
    (folder / "training-7.data-00000-of-00001.tempstate123").write_bytes(b"half")
    (folder / "checkpoint.tmp123").write_bytes(b"half")
    restore_checkpoint(newest_checkpoint(str(folder)), training, session)
    train(training, session, 1)
    save_checkpoint(str(folder), training, session, 4.0, 1.0)
    assert {path.name.split(".")[0] for path in folder.iterdir()} == {"checkpoint", "training-5", "training-6"}


def test_a_checkpoint_of_another_network_is_an_error(two_checkpoints):
    folder, _ = two_checkpoints
    batch = np.zeros((2, 10, 64, 64, 3), np.uint8), np.zeros((2, 10, 7, 2), np.float32)
    other = build_training_graph(
        lambda: tf.data.Dataset.from_tensors(batch), "strided", 9, np.zeros((7, 2), np.float32), seed=0
    )
    with tf.Session(graph=other.graph) as session, pytest.raises(UserError, match="belongs to another version"):
        restore_checkpoint(newest_checkpoint(str(folder)), other, session)


@pytest.mark.promise("A full disk ends a command with one error line, and files that were complete stay complete")
@pytest.mark.parametrize("bytes_left", [0, 100, 100_000])
def test_a_full_disk_leaves_the_earlier_checkpoints(bytes_left, training, session, two_checkpoints, limited_file_size):
    folder, _ = two_checkpoints
    before = {path: path.read_bytes() for path in folder.iterdir()}
    train(training, session, 1)
    with limited_file_size(bytes_left), pytest.raises(UserError) as refused:
        save_checkpoint(str(folder), training, session, 4.0, 1.0)
    assert str(refused.value) == f"{folder}: File too large; free some disk space, then continue with --resume"
    assert {path: path.read_bytes() for path in folder.iterdir()} == before


@pytest.mark.promise("Setting the system clock forward or back affects neither runs nor conversions")
@pytest.mark.parametrize("years", [-2, 2])
def test_changes_of_the_clock_do_not_matter(years, training, session, two_checkpoints, monkeypatch):
    folder, _ = two_checkpoints
    seconds = years * 365 * 24 * 3600
    for path in folder.iterdir():
        os.utime(path, (path.stat().st_mtime + seconds,) * 2)
    assert newest_checkpoint(str(folder)).step == 5
    restore_checkpoint(newest_checkpoint(str(folder)), training, session)
    clock = time.time
    for step in (6, 7, 8):
        train(training, session, 1)
        save_checkpoint(str(folder), training, session, 4.0, 1.0)
        assert {path.stem for path in folder.glob("*.index")} == {f"training-{max(step - 1, 5)}", f"training-{step}"}
        monkeypatch.setattr(time, "time", lambda: clock() + seconds)
    assert newest_checkpoint(str(folder)).step == 8


def test_the_best_models_of_the_kept_checkpoints_are_kept(tmp_path):
    assert newest_best_model(str(tmp_path)) is None
    for step in (2, 9, 10, 30):
        os.mkdir(best_model(str(tmp_path), step))
    assert newest_best_model(str(tmp_path)) == str(tmp_path / "best-30")
    keep_best_models(str(tmp_path), 29)
    assert sorted(os.listdir(tmp_path)) == ["best-10", "best-9"]
    keep_best_models(str(tmp_path), 9)
    assert os.listdir(tmp_path) == ["best-9"]
