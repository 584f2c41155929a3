"""The training graph: the network behind a `tf.data` iterator, its loss, Adam, and the weights' moving average."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from model.batch_normalization import fold_normalization, normalized_convolution
from model.layers import Convolution
from model.network import training_positions
from model.network_kinds import NETWORKS
from model.training.losses import mean_distance, mean_squared_error
from model.training.shared_step import Agreement, Sharing, copied_variables, shared_gradients
from model.training.weight_average import moving_averages
from pipeline.tensorflow_v1 import tf

# The weight, in pixels, of the points' mean distance (px) relative to the positions' mean squared error (px²).
POINTS_WEIGHT = 8.0


@dataclass(frozen=True)
class TrainingGraph:
    """What the training loop runs."""

    graph: tf.Graph
    train_step: tf.Operation
    loss: tf.Tensor  # of the ensemble's average, float32 scalar, px²
    learning_rate: tf.Tensor  # placeholder, float32 scalar
    global_step: tf.Variable  # int64
    averages: dict[str, tf.Variable]  # the moving average of each variable, by the variable's name
    progress: dict[str, tf.Variable]  # "training_seconds" and "best_validation_error", float64, in the checkpoint too
    initialize: tf.Operation
    saver: tf.train.Saver  # of all variables
    agreement: Agreement | None = None  # between workers that share the steps


def build_training_graph(
    make_dataset: Callable[[], tf.data.Dataset],
    network: str,
    num_units: int,
    mean_pose: np.ndarray,
    seed: int,
    members: int = 1,
    sharing: Sharing | None = None,
) -> TrainingGraph:
    """Builds a new graph.

    make_dataset: returns a tf.data.Dataset of frames, uint8 (B, 10, 64, 64, 3), and labels, float32 (B, 10, 7, 2); with
    `sharing`, those of a part of the batch, followed by the size of the whole batch, int32. network: a key of NETWORKS.
    num_units: size of the LSTM. mean_pose: float32 (7, 2), the initial positions. seed: of the initial weights; with
    `sharing` it leads to other weights, because other ops are created first (see initial_values). members: number of
    networks in the ensemble, trained on the same batches. sharing: how workers share the steps, each with such a graph.
    """
    graph = tf.Graph()
    device = None if sharing is None else sharing.device
    with graph.as_default(), tf.device(device):
        tf.set_random_seed(seed)
        # Initializable, because the data set may have variables.
        iterator = tf.data.make_initializable_iterator(make_dataset())
        frames, labels, *total = iterator.get_next()
        losses = partial(_losses, network, num_units, mean_pose, members)
        if sharing is None:
            loss, minimized = losses(frames, labels)
        else:
            shared = shared_gradients(sharing, frames, labels, total[0], losses)
            loss = shared.loss
        weights = tf.global_variables()

        learning_rate = tf.placeholder(tf.float32, [], name="learning_rate")
        global_step = tf.train.get_or_create_global_step()
        adam = tf.train.AdamOptimizer(learning_rate, beta2=NETWORKS[network].adam_beta2)
        if sharing is None:
            descend = adam.minimize(minimized, global_step)
        else:
            descend = adam.apply_gradients(shared.gradients, global_step)
        with tf.control_dependencies([descend, *tf.get_collection(tf.GraphKeys.UPDATE_OPS)]):
            averages, train_step = moving_averages(weights, NETWORKS[network].average_decay, global_step)

        progress = {
            "training_seconds": tf.get_variable(
                "training_seconds", initializer=tf.constant(0.0, tf.float64), trainable=False
            ),
            "best_validation_error": tf.get_variable(
                "best_validation_error", initializer=tf.constant(float("inf"), tf.float64), trainable=False
            ),
        }
        agreement = None
        if sharing is not None:
            agreement = Agreement(shared.sent, shared.received, copied_variables(sharing, tf.global_variables()))
        training_graph = TrainingGraph(
            graph,
            train_step,
            loss,
            learning_rate,
            global_step,
            averages,
            progress,
            tf.group(tf.global_variables_initializer(), tf.local_variables_initializer(), iterator.initializer),
            # By default a checkpoint is kept forever every 10,000 hours, by a clock that the user can change.
            tf.train.Saver(max_to_keep=2, keep_checkpoint_every_n_hours=math.inf, save_relative_paths=True),
            agreement,
        )
        graph.finalize()
    return training_graph


def _losses(
    network: str,
    num_units: int,
    mean_pose: np.ndarray,
    members: int,
    frames: tf.Tensor,
    labels: tf.Tensor,
    total: tf.Tensor | None = None,
    convolve: Convolution = normalized_convolution,
) -> tuple[tf.Tensor, tf.Tensor]:
    """Builds the networks; returns the loss of the ensemble's average, and the sum of the members' losses to minimize.

    total: as for mean_squared_error.
    """
    outputs = training_positions(frames, network, num_units, members, mean_pose, convolve)
    loss = mean_squared_error(tf.add_n([output.prediction() for output in outputs]) / members, labels, total)
    return loss, tf.add_n([_member_loss(positions, points, labels, total) for positions, points in outputs])


def _member_loss(
    positions: tf.Tensor, points: tf.Tensor | None, labels: tf.Tensor, total: tf.Tensor | None
) -> tf.Tensor:
    """The loss of one network of the ensemble, px²; each learns independently of the others.

    The points' loss is their distance from the joints, not its square: with squares, one arm found on the wrong side
    would outweigh all that are nearly right.
    """
    loss = mean_squared_error(positions, labels, total)
    return loss if points is None else loss + POINTS_WEIGHT * mean_distance(points, labels, total)


def initial_values(training: TrainingGraph) -> dict[str, np.ndarray]:
    """The initial values of this graph's variables, by variable name."""
    with tf.Session(graph=training.graph) as session:
        session.run(training.initialize)
        return session.run({variable.op.name: variable for variable in _variables(training)})


def load_values(training: TrainingGraph, session: tf.Session, values: dict[str, np.ndarray]) -> None:
    """Sets the variables to these values, by variable name."""
    variables = _variables(training)
    feeds = {variable.initializer.inputs[1]: values[variable.op.name] for variable in variables}
    session.run([variable.initializer for variable in variables], feeds)


def _variables(training: TrainingGraph) -> list[tf.Variable]:
    return training.graph.get_collection(tf.GraphKeys.GLOBAL_VARIABLES)


def exported_weights(training: TrainingGraph, session: tf.Session) -> dict[str, np.ndarray]:
    """The averaged weights, by the names of the variables in the InferenceGraph of the same network."""
    return fold_normalization(session.run(training.averages))
