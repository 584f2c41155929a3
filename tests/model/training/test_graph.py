from itertools import pairwise

import numpy as np
import pytest

from model.export.graph import load_weights
from model.training.graph import build_training_graph
from model.training.shared_step import among_cores
from pipeline.tensorflow_v1 import tf
from tests.conftest import drawn_weights

POSE = np.linspace(5, 60, 14, dtype=np.float32).reshape(7, 2)


class Batch:
    """A data set that repeats `frames` and `labels`, with the values at the first step of a session."""

    def __init__(self):
        self.frames, self.labels = None, None

    def make_dataset(self):
        def generate():
            frames, labels = self.frames, self.labels
            while True:
                yield frames, labels

        shapes = ((None, 10, 64, 64, 3), (None, 10, 7, 2))
        return tf.data.Dataset.from_generator(generate, (tf.uint8, tf.float32), shapes)


@pytest.fixture(scope="module")
def batch():
    return Batch()


@pytest.fixture(scope="module")
def training(batch):
    return build_training_graph(batch.make_dataset, "strided", num_units=8, mean_pose=POSE, seed=5)


@pytest.fixture
def session(training, batch, people):
    """A session with initial weights and five sequences of the drawn people."""
    batch.frames, batch.labels = people.frames[::30], people.labels[::30]
    with tf.Session(graph=training.graph) as session:
        session.run(training.initialize)
        yield session


def loss_of(training, batch, weights, frames, labels):
    """The loss of the training graph with these weights, a dict from name to array, on this batch."""
    batch.frames, batch.labels = frames, labels
    with tf.Session(graph=training.graph) as session:
        session.run(training.initialize)
        for variable in training.graph.get_collection("trainable_variables"):
            session.run(variable.initializer, {variable.initializer.inputs[1]: weights[variable.op.name]})
        return session.run(training.loss)


def weights_of(training, session):
    """The values of the trainable variables, by name."""
    variables = training.graph.get_collection("trainable_variables")
    return session.run({variable.op.name: variable for variable in variables})


def train(training, session, steps, learning_rate=0.01):
    """The loss of each step."""
    fetches, feeds = [training.loss, training.train_step], {training.learning_rate: learning_rate}
    return [float(session.run(fetches, feeds)[0]) for _ in range(steps)]


def test_training_and_exported_graph_give_the_same_positions(training, batch, inference_model, people):
    """With the exported graph's positions as labels, the training graph's loss is their mean squared difference."""
    inference, _ = inference_model
    weights = drawn_weights(inference, seed=4)
    frames = people.frames[7::25]
    with tf.Session(graph=inference.graph) as session:
        load_weights(inference, session, weights)
        positions = session.run(inference.joint_pos, {inference.input_frames: frames})
    assert np.ptp(positions, axis=0).max() > 0.5
    # (1e-4 px)²
    assert loss_of(training, batch, weights, frames, positions) < 1e-8


def test_the_loss_is_the_mean_squared_error(training, batch, inference_model, people):
    inference, session = inference_model
    frames, labels = people.frames[7::25], people.labels[7::25]
    positions = session.run(inference.joint_pos, {inference.input_frames: frames}).astype(np.float64)
    loss = loss_of(training, batch, session.run(inference.variables), frames, labels)
    assert loss == pytest.approx(((positions - labels) ** 2).mean(), rel=1e-5)


def test_training_and_exported_graph_have_the_same_variable_names(training, session, inference_model):
    inference, _ = inference_model
    weights, averages = weights_of(training, session), session.run(training.averages)
    shapes = {name: tuple(variable.shape.as_list()) for name, variable in inference.variables.items()}
    assert {name: value.shape for name, value in weights.items()} == shapes
    assert {name: value.shape for name, value in averages.items()} == shapes


def test_the_initial_bias_is_the_mean_pose(training, session):
    values = weights_of(training, session).values()
    assert any(value.shape == (14,) and np.allclose(value, POSE.ravel(), rtol=1e-6, atol=0) for value in values)


def test_learns(training, session):
    losses = train(training, session, 60, learning_rate=0.05)
    # Ten seeds came to 0.11 to 0.35 of the first loss.
    assert losses[-1] < 0.9 * losses[0]


def test_adam_s_first_step_equals_the_learning_rate(training, session):
    before = weights_of(training, session)
    train(training, session, 1, learning_rate=0.001)
    steps = [np.abs(value - before[name]) for name, value in weights_of(training, session).items()]
    assert max(step.max() for step in steps) <= 0.001 * 1.01
    assert np.median(np.concatenate([step.ravel() for step in steps])) > 0.001 * 0.9


def test_a_learning_rate_of_zero_changes_nothing(training, session):
    before = weights_of(training, session)
    train(training, session, 2, learning_rate=0)
    for name, value in weights_of(training, session).items():
        np.testing.assert_array_equal(value, before[name])


def test_steps_are_counted(training, session):
    assert session.run(training.global_step) == 0
    train(training, session, 3)
    assert session.run(training.global_step) == 3


def test_all_averages_move_by_the_same_fraction(training, session):
    for name, value in session.run(training.averages).items():
        np.testing.assert_array_equal(value, weights_of(training, session)[name])
    train(training, session, 5)
    before = session.run(training.averages)
    train(training, session, 1)
    after, weights = session.run(training.averages), weights_of(training, session)
    moved = np.concatenate([(after[name] - before[name]).ravel() for name in before])
    distance = np.concatenate([(weights[name] - before[name]).ravel() for name in before])
    share = (moved @ distance) / (distance @ distance)
    assert 0 < share < 1
    np.testing.assert_allclose(moved, share * distance, atol=1e-5)


@pytest.mark.parametrize("shards", [2, 5])
def test_shards_have_the_gradient_of_their_average_loss(shards, batch, people):
    """Each shard is normalized on its own, so its loss and gradient are those of a batch that consists of it alone."""
    frames, labels = people.frames[7::35], people.labels[7::35]
    assert len(frames) == 4
    cuts = [len(frames) * shard // shards for shard in range(shards + 1)]
    parts = [slice(*ends) for ends in pairwise(cuts) if ends[0] < ends[1]]
    whole = first_gradients(batch, frames, labels, shards)
    alone = [first_gradients(batch, frames[part], labels[part], 1) for part in parts]
    weights = [(part.stop - part.start) / len(frames) for part in parts]
    assert len(whole) > 20
    for name, value in whole.items():
        expected = sum(weight * gradients[name] for weight, gradients in zip(weights, alone, strict=True))
        # Rounding decides for a few values close to zero whether ReLU passes their gradients.
        assert np.linalg.norm(value - expected) <= 0.01 * np.linalg.norm(expected) + 1e-6, name


def first_gradients(batch, frames, labels, shards):
    """By variable name: Adam's first moments after one step, a tenth of the gradients; and the loss, and the averages
    that batch normalization keeps."""
    batch.frames, batch.labels = frames, labels
    training = build_training_graph(batch.make_dataset, "pyramid", 8, POSE, seed=5, sharing=among_cores(shards))
    with tf.Session(graph=training.graph) as session:
        session.run(training.initialize)
        loss, _ = session.run([training.loss, training.train_step], {training.learning_rate: 0.0})
        values = {v.op.name: v for v in training.graph.get_collection("variables")}
        kept = [name for name in values if name.endswith(("/Adam", "/mean", "/variance"))]
        return {"loss": loss, **session.run({name: values[name] for name in kept})}


def test_the_seed_determines_the_initial_weights(training, session, batch):
    first = weights_of(training, session)
    for seed in (5, 6):
        other = build_training_graph(batch.make_dataset, "strided", num_units=8, mean_pose=POSE, seed=seed)
        with tf.Session(graph=other.graph) as other_session:
            other_session.run(other.initialize)
            weights = weights_of(other, other_session)
        same = all(np.array_equal(first[name], weights[name]) for name in first)
        assert same == (seed == 5)
