"""Both networks, as trained and as exported."""

from dataclasses import dataclass

import numpy as np
import pytest

from model.batch_normalization import fold_normalization
from model.export.graph import build_inference_graph, load_weights
from model.network import training_positions
from model.network_kinds import NETWORKS
from model.predictor import Predictor
from model.training.graph import build_training_graph, exported_weights
from pipeline.sequence_shape import SequenceShape
from pipeline.tensorflow_v1 import tf
from tests.conftest import drawn_weights
from tests.model.counting_session import CountingSession

POSE = np.linspace(5, 60, 14, dtype=np.float32).reshape(7, 2)
NORMALIZED_LAYERS = {"pyramid": 8, "strided": 0}
EXCHANGED = [0, 2, 1, 4, 3, 6, 5]
EACH = 44  # every 44th sequence is trained on: three in all


@dataclass(frozen=True)
class Trained:
    """A network after some training steps."""

    network: str
    training: object
    session: object
    losses: list  # of each step


@pytest.fixture(scope="module", params=sorted(NETWORKS))
def trained(request, people):
    frames, labels = people.frames[::EACH], people.labels[::EACH]
    dataset = lambda: tf.data.Dataset.from_tensors((frames, labels)).repeat()  # noqa: E731
    training = build_training_graph(dataset, request.param, 16, POSE, seed=1)
    with tf.Session(graph=training.graph) as session:
        session.run(training.initialize)
        fetches, feeds = [training.loss, training.train_step], {training.learning_rate: 0.01}
        losses = [float(session.run(fetches, feeds)[0]) for _ in range(30)]
        yield Trained(request.param, training, session, losses)


def inference_of(trained, **arguments):
    return build_inference_graph(trained.network, num_units=16, **arguments)


def positions_of(inference, weights, frames):
    with tf.Session(graph=inference.graph) as session:
        load_weights(inference, session, weights)
        return session.run(inference.joint_pos, {inference.input_frames: frames})


@pytest.mark.parametrize("network", sorted(NETWORKS))
def test_frames_that_are_not_square(network):
    shape = SequenceShape(length=3, height=16, width=40)
    frames = np.random.default_rng(0).integers(0, 256, (2, *shape.frames), dtype=np.uint8)
    inference = build_inference_graph(network, 8, averages_mirror=True, shape=shape)
    weights = drawn_weights(inference, seed=1)
    positions = positions_of(inference, weights, frames)
    assert positions.shape == (2, *shape.labels)
    mirrored = positions_of(inference, weights, frames[:, :, :, ::-1])[:, :, EXCHANGED] * (-1, 1) + (40, 0)
    np.testing.assert_allclose(positions, mirrored, rtol=0, atol=1e-3)


def test_points_are_in_frames_that_are_not_square():
    frames = np.random.default_rng(0).integers(0, 256, (2, 3, 16, 40, 3), dtype=np.uint8)
    with tf.Graph().as_default(), tf.Session() as session:
        tf.set_random_seed(0)
        _, points = training_positions(tf.constant(frames), "pyramid", 8, mean_pose=POSE)
        session.run(tf.global_variables_initializer())
        middles = session.run(points).mean(axis=(0, 1, 2))
    # Maps of an untrained network are flat, which gives the frame's middle. Forty seeds came within 2 px.
    np.testing.assert_allclose(middles, [20, 8], rtol=0, atol=4)


@pytest.mark.parametrize("network, expected", [("strided", POSE), ("pyramid", (POSE + 32) / 2)])
def test_a_prediction_is_the_average_of_the_head_and_of_the_points(network, expected):
    """The head outputs POSE for all frames, and flat maps give the middle of the frame."""
    inference = build_inference_graph(network, 8, averages_mirror=False)
    weights = drawn_weights(inference, seed=1)
    for name, value in weights.items():
        if name.endswith("head/bias"):
            weights[name] = POSE.ravel()
        elif name.endswith(("head/weights", "maps/weights")):
            weights[name] = np.zeros_like(value)
    frames = np.random.default_rng(0).integers(0, 256, (1, 10, 64, 64, 3), dtype=np.uint8)
    positions = positions_of(inference, weights, frames)
    np.testing.assert_allclose(positions, np.broadcast_to(expected, positions.shape), rtol=0, atol=1e-3)


@pytest.mark.slow
def test_learns(trained):
    # Ten seeds of each network came to 0.16 to 0.66 of the first loss.
    assert trained.losses[-1] < 0.9 * trained.losses[0]


@pytest.mark.slow
def test_the_exported_graph_predicts_what_was_learned(trained, people):
    inference = inference_of(trained)
    weights = exported_weights(trained.training, trained.session)
    shapes = {name: tuple(variable.shape.as_list()) for name, variable in inference.variables.items()}
    assert {name: value.shape for name, value in weights.items()} == shapes
    frames, labels = people.frames[::EACH], people.labels[::EACH]
    error = ((positions_of(inference, weights, frames) - labels) ** 2).mean()
    assert error == pytest.approx(trained.losses[-1], abs=0.1 * trained.losses[0])


@pytest.mark.slow
def test_folded_weights_equal_batch_normalization(trained, people):
    """The training graph's CNN, with the batch's mean and variance for the moving ones, against the exported one's."""
    graph = trained.training.graph
    layers = [
        op for op in graph.get_operations() if op.type.startswith("FusedBatchNorm") and "grad" not in op.name.lower()
    ]
    assert len(layers) == NORMALIZED_LAYERS[trained.network]
    variables = {name: graph.get_tensor_by_name(f"{name}:0") for name in trained.training.averages}
    statistics = {op.name.rpartition("/")[0]: (op.outputs[1], op.outputs[2]) for op in layers}
    loss, weights, statistics = trained.session.run([trained.training.loss, variables, statistics])
    for layer, (mean, variance) in statistics.items():
        # The op reports the variance of a sample, and normalizes with that of the batch: n / (n - 1) apart.
        weights[f"{layer}/mean"], weights[f"{layer}/variance"] = mean, variance
    inference = inference_of(trained)
    positions = positions_of(inference, fold_normalization(weights), people.frames[::EACH])
    assert ((positions - people.labels[::EACH]) ** 2).mean() == pytest.approx(loss, rel=0.02)


def mirrored(positions):
    return positions[:, :, EXCHANGED] * [-1, 1] + [64, 0]


@pytest.mark.parametrize("network", sorted(NETWORKS))
def test_predictions_for_frames_and_mirrored_frames_are_averaged(network, people):
    frames = people.frames[::30]
    averaging = build_inference_graph(network, 16, averages_mirror=True)
    one = build_inference_graph(network, 16)
    weights = drawn_weights(averaging, seed=3)
    views = [positions_of(one, weights, frames), mirrored(positions_of(one, weights, frames[:, :, :, ::-1]))]
    assert np.abs(views[0] - views[1]).max() > 1
    np.testing.assert_allclose(positions_of(averaging, weights, frames), np.mean(views, axis=0), rtol=0, atol=1e-3)


def test_the_pyramid_sees_motion(people):
    """A sequence of one frame ten times holds no motion; then one frame that differs changes all ten."""
    inference = build_inference_graph("pyramid", num_units=16)
    weights = drawn_weights(inference, seed=3)
    sequences = np.repeat(people.frames[:1, :1], 10, axis=1).repeat(2, axis=0)
    sequences[1, 9] = people.frames[30, 0]
    first, second = positions_of(inference, weights, sequences)
    assert np.abs(first - second)[:9].max(axis=(1, 2)).min() > 1e-3


@pytest.mark.slow
@pytest.mark.parametrize("network", sorted(NETWORKS))
@pytest.mark.parametrize("averages_mirror", [False, True])
def test_each_frame_of_overlapping_sequences_is_computed_once(averages_mirror, network, people):
    inference = build_inference_graph(network, 16, averages_mirror)
    frames = np.concatenate(people.frames[[0, 30]])
    positions = np.array([[*range(10)], [*range(5, 15)], [*range(10, 20)]])
    with tf.Session(graph=inference.graph) as session:
        load_weights(inference, session, drawn_weights(inference, seed=3))
        nodes = inference.input_frames, inference.joint_pos
        plain = Predictor(session, *nodes).predict(frames[positions])
        counting = CountingSession(session)
        by_features = Predictor(counting, *nodes, inference.shared)
        np.testing.assert_allclose(by_features.predict_block(frames, positions), plain, rtol=0, atol=1e-3)
        counting.frames = 0
        by_features.predict_block(frames, positions)
        assert counting.frames == 20
