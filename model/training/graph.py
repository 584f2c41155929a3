"""The training graph: the network behind a `tf.data` iterator, its loss, Adam, and the weights' moving average."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from model.batch_normalization import fold_normalization
from model.layers import Convolution
from model.network import training_positions
from model.network_kinds import NETWORKS
from model.training.losses import mean_distance, mean_limb_distance, mean_squared_error
from model.training.shared_step import Agreement, Sharing, among_cores, copied_variables, shared_gradients
from model.training.weight_average import moving_averages
from pipeline.tensorflow_v1 import tf

# The weights, in pixels, of the mean distances (px) of the points and of their limbs relative to the positions' mean
# squared error (px²).
POINTS_WEIGHT = 8.0
LIMBS_WEIGHT = 4.0


@dataclass(frozen=True)
class TrainingGraph:
    """What the training loop runs."""

    graph: tf.Graph
    train_step: tf.Operation
    loss: tf.Tensor  # of the predictions, float32 scalar, px²
    waited: tf.Tensor  # until the step's batch was there, float64 scalar, seconds
    learning_rate: tf.Tensor  # placeholder, float32 scalar
    global_step: tf.Variable  # int64
    averages: dict[str, tf.Variable]  # the moving average of each variable, by the variable's name
    progress: dict[str, tf.Variable]  # "training_seconds" and "best_validation_error", float64, in the checkpoint too
    initialize: tf.Operation
    saver: tf.train.Saver  # of all variables
    agreement: Agreement  # between the workers that share the steps


def build_training_graph(
    make_dataset: Callable[[], tf.data.Dataset],
    network: str,
    num_units: int,
    mean_pose: np.ndarray,
    seed: int,
    sharing: Sharing | None = None,
) -> TrainingGraph:
    """Builds a new graph.

    make_dataset: returns a tf.data.Dataset of frames, uint8 (B, 10, 64, 64, 3), and labels, float32 (B, 10, 7, 2); if
    this worker has a part of each batch, those of the part, followed by the size of the whole batch, int32. network: a
    key of NETWORKS. num_units: size of the LSTM. mean_pose: float32 (7, 2), the initial positions. seed: of the initial
    weights. sharing: how cores and workers share the steps, each worker with such a graph; None for one shard.
    """
    graph = tf.Graph()
    sharing = sharing or among_cores(shards=1)
    with graph.as_default(), tf.device(sharing.device):
        tf.set_random_seed(seed)
        # Initializable, because the data set may have variables.
        # On the CPU, also if the rest of the graph is on a GPU.
        with tf.device("/device:CPU:0"):
            iterator = tf.data.make_initializable_iterator(make_dataset())
            asked = tf.timestamp()
            with tf.control_dependencies([asked]):
                frames, labels, *size = iterator.get_next()
            with tf.control_dependencies([labels]):
                waited = tf.timestamp() - asked
        total = size[0] if size else tf.shape(labels)[0]
        losses = partial(_losses, network, num_units, mean_pose)
        shared = shared_gradients(sharing, frames, labels, total, losses)
        weights = tf.global_variables()

        learning_rate = tf.placeholder(tf.float32, [], name="learning_rate")
        global_step = tf.train.get_or_create_global_step()
        adam = tf.train.AdamOptimizer(learning_rate, beta2=NETWORKS[network].adam_beta2)
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
        training_graph = TrainingGraph(
            graph,
            train_step,
            shared.loss,
            waited,
            learning_rate,
            global_step,
            averages,
            progress,
            tf.group(tf.global_variables_initializer(), tf.local_variables_initializer(), iterator.initializer),
            # By default a checkpoint is kept forever every 10,000 hours, by a clock that the user can change.
            tf.train.Saver(max_to_keep=2, keep_checkpoint_every_n_hours=math.inf, save_relative_paths=True),
            Agreement(
                shared.sent,
                shared.received,
                copied_variables(sharing, tf.global_variables()),
                is_alone=sharing.part.is_whole,
            ),
        )
        graph.finalize()
    return training_graph


def _losses(
    network: str,
    num_units: int,
    mean_pose: np.ndarray,
    frames: tf.Tensor,
    labels: tf.Tensor,
    total: tf.Tensor,
    convolve: Convolution,
) -> tuple[tf.Tensor, tf.Tensor]:
    """Builds the network for some sequences of a batch; returns the loss of its predictions, and the loss to minimize.

    The points' loss is their distance from the joints, not its square: with squares, one arm found on the wrong side
    would outweigh all that are nearly right. total: as for mean_squared_error.
    """
    output = training_positions(frames, network, num_units, mean_pose, convolve)
    minimized = mean_squared_error(output.positions, labels, total)
    if output.points is not None:
        minimized += POINTS_WEIGHT * mean_distance(output.points, labels, total)
        minimized += LIMBS_WEIGHT * mean_limb_distance(output.points, labels, total)
    return mean_squared_error(output.prediction(), labels, total), minimized


def exported_weights(training: TrainingGraph, session: tf.Session) -> dict[str, np.ndarray]:
    """The averaged weights, by the names of the variables in the InferenceGraph of the same network."""
    return fold_normalization(session.run(training.averages))
