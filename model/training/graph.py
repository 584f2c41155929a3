"""The training graph: the network behind a `tf.data` iterator, its loss, Adam, and the weights' moving average."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np

from model.batch_normalization import fold_normalization, normalized_convolution
from model.layers import Convolution
from model.network import training_positions
from model.network_kinds import NETWORKS
from model.training.losses import mean_distance, mean_squared_error
from model.training.shared_step import Agreement, Sharing, copied_variables, shared_gradients
from model.training.weight_average import moving_averages
from pipeline.tensorflow_v1 import tf

# Pixels: the weight of the points' mean distance, in px, against the positions' mean squared error, in px².
POINTS_WEIGHT = 8.0


class TrainingGraph(NamedTuple):
    """What the training loop runs.

    train_step: op. loss: float32 scalar, px², of the average of the members. learning_rate: placeholder, float32
    scalar. global_step: int64 variable. averages: the moving average of each variable, by the variable's name.
    progress: the float64 variables "training_seconds" and "best_validation_error", which are part of the checkpoint.
    initialize: op. saver: saves and restores all variables. agreement: where the steps are shared, else None.
    """

    graph: tf.Graph
    train_step: tf.Operation
    loss: tf.Tensor
    learning_rate: tf.Tensor
    global_step: tf.Variable
    averages: dict[str, tf.Variable]
    progress: dict[str, tf.Variable]
    initialize: tf.Operation
    saver: tf.train.Saver
    agreement: Agreement | None = None


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

    make_dataset: returns a tf.data.Dataset of (frames uint8 (B, 10, 64, 64, 3), labels float32 (B, 10, 7, 2)), and with
    `sharing` of those of its part of a batch and the number of sequences of the whole batch, int32. network:
    a key of NETWORKS. num_units: size of the LSTM. mean_pose: float32 (7, 2), the initial positions. seed: of the
    initial weights; with `sharing` they are others, for other ops are created before them: see initial_values.
    members: how many networks are trained side by side, on the same batches. sharing: how steps are shared among
    several workers, of which each has such a graph, or None.
    """
    graph = tf.Graph()
    device = None if sharing is None else sharing.device
    with graph.as_default(), tf.device(device):
        tf.set_random_seed(seed)
        # One that can be initialized, for the data set may hold variables.
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
            agreement = Agreement(shared.said, shared.heard, copied_variables(sharing, tf.global_variables()))
        training_graph = TrainingGraph(
            graph,
            train_step,
            loss,
            learning_rate,
            global_step,
            averages,
            progress,
            tf.group(tf.global_variables_initializer(), tf.local_variables_initializer(), iterator.initializer),
            # By default one checkpoint in 10,000 hours stays for good, and these are hours of a clock that can be set.
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
    """Builds the network; returns the loss of the members' average, and the sum of the members' losses, to minimize.

    total: as for mean_squared_error.
    """
    outputs = training_positions(frames, network, num_units, members, mean_pose, convolve)
    loss = mean_squared_error(tf.add_n([output.prediction() for output in outputs]) / members, labels, total)
    return loss, tf.add_n([_member_loss(positions, points, labels, total) for positions, points in outputs])


def _member_loss(
    positions: tf.Tensor, points: tf.Tensor | None, labels: tf.Tensor, total: tf.Tensor | None
) -> tf.Tensor:
    """The loss of one member, px²: each learns independently of the others.

    The points' loss is their distance from the joints, not its square: with squares, one arm that is found on the wrong
    side would outweigh all that are nearly right.
    """
    loss = mean_squared_error(positions, labels, total)
    return loss if points is None else loss + POINTS_WEIGHT * mean_distance(points, labels, total)


def initial_values(training: TrainingGraph) -> dict[str, np.ndarray]:
    """The values with which a run of this graph begins, by variable name."""
    with tf.Session(graph=training.graph) as session:
        session.run(training.initialize)
        return session.run({variable.op.name: variable for variable in _variables(training)})


def load_values(training: TrainingGraph, session: tf.Session, values: dict[str, np.ndarray]) -> None:
    """Gives the variables these values, by variable name."""
    variables = _variables(training)
    feeds = {variable.initializer.inputs[1]: values[variable.op.name] for variable in variables}
    session.run([variable.initializer for variable in variables], feeds)


def _variables(training: TrainingGraph) -> list[tf.Variable]:
    return training.graph.get_collection(tf.GraphKeys.GLOBAL_VARIABLES)


def exported_weights(training: TrainingGraph, session: tf.Session) -> dict[str, np.ndarray]:
    """The averaged weights, by the names that the variables have in the InferenceGraph of the same network."""
    return fold_normalization(session.run(training.averages))
