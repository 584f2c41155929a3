import numpy as np
import pytest

from model.export.graph import load_weights
from model.training.graph import build_training_graph
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


def test_the_seed_determines_the_initial_weights(training, session, batch):
    first = weights_of(training, session)
    for seed in (5, 6):
        other = build_training_graph(batch.make_dataset, "strided", num_units=8, mean_pose=POSE, seed=seed)
        with tf.Session(graph=other.graph) as other_session:
            other_session.run(other.initialize)
            weights = weights_of(other, other_session)
        same = all(np.array_equal(first[name], weights[name]) for name in first)
        assert same == (seed == 5)
