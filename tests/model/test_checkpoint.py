import math
import shutil

import numpy as np
import pytest

from model.checkpoint import checkpointed_step, restore_checkpoint, save_checkpoint
from model.training_graph import build_training_graph
from pipeline.tensorflow_v1 import tf
from pipeline.user_error import UserError


@pytest.fixture(scope="module")
def training():
    """A training graph with a data set of one random batch, again and again."""
    random = np.random.default_rng(0)
    frames = random.integers(0, 256, (2, 10, 64, 64, 3), dtype=np.uint8)
    labels = random.uniform(0, 64, (2, 10, 7, 2)).astype(np.float32)
    pose = np.full((7, 2), 32, np.float32)
    return build_training_graph(
        lambda: tf.data.Dataset.from_tensors((frames, labels)).repeat(), "strided", 8, pose, seed=0
    )


@pytest.fixture
def session(training):
    """One that has trained for three steps."""
    with tf.Session(graph=training.graph) as session:
        session.run(training.initialize)
        train(training, session, 3)
        yield session


def train(training, session, steps):
    return [session.run([training.loss, training.train_step], {training.learning_rate: 0.01})[0] for _ in range(steps)]


def values_of(training, session):
    """The value of every variable, by name: weights, Adam's moments and powers, averages, step, progress."""
    return session.run({variable.op.name: variable for variable in training.graph.get_collection("variables")})


def restored(folder, training):
    """What restore_checkpoint returns, and the value of every variable, in a session of its own."""
    with tf.Session(graph=training.graph) as other:
        other.run(training.initialize)
        return restore_checkpoint(str(folder), training, other), values_of(training, other)


def test_restores_everything_bit_for_bit(training, session, tmp_path):
    save_checkpoint(str(tmp_path), training, session, 12.345678901234567, 7.000000000000123)
    expected = values_of(training, session)
    assert any("Adam" in name and value.any() for name, value in expected.items())
    state, values = restored(tmp_path, training)
    assert state == (3, 12.345678901234567, 7.000000000000123)
    assert [type(value) for value in state] == [int, float, float]
    assert values.keys() == expected.keys()
    for name, value in values.items():
        np.testing.assert_array_equal(value, expected[name])


def test_trains_on_as_if_it_had_not_stopped(training, session, tmp_path):
    save_checkpoint(str(tmp_path), training, session, 1.0, 2.0)
    expected = train(training, session, 4)
    with tf.Session(graph=training.graph) as other:
        other.run(training.initialize)
        restore_checkpoint(str(tmp_path), training, other)
        np.testing.assert_allclose(train(training, other, 4), expected, rtol=1e-4)


def test_no_best_error_yet_is_infinite(training, session, tmp_path):
    save_checkpoint(str(tmp_path), training, session, 0.0, math.inf)
    assert restored(tmp_path, training)[0] == (3, 0.0, math.inf)


def test_the_newest_state_counts_and_the_one_before_it_is_kept(training, session, tmp_path):
    for best_error in (9.0, 8.0, 7.0):
        train(training, session, 2)
        save_checkpoint(str(tmp_path), training, session, 1.0, best_error)
    assert checkpointed_step(str(tmp_path)) == 9
    assert restored(tmp_path, training)[0] == (9, 1.0, 7.0)
    assert sorted(path.name for path in tmp_path.glob("*.index")) == ["training-7.index", "training-9.index"]


def test_the_folder_may_be_moved(training, session, tmp_path):
    (tmp_path / "last").mkdir()
    save_checkpoint(str(tmp_path / "last"), training, session, 1.0, 2.0)
    shutil.move(tmp_path / "last", tmp_path / "moved")
    assert checkpointed_step(str(tmp_path / "moved")) == 3
    assert restored(tmp_path / "moved", training)[0] == (3, 1.0, 2.0)


def test_a_folder_without_a_checkpoint_is_refused(training, session, tmp_path):
    for folder in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(UserError, match="holds no checkpoint to go on from"):
            checkpointed_step(str(folder))
        with pytest.raises(UserError, match="holds no checkpoint to go on from"):
            restore_checkpoint(str(folder), training, session)
