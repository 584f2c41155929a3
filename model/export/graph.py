"""The exported graph: built separately from the training graph, without gradients, so that TensorFlow 1.15 loads it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from model.network import predicted_positions
from model.predictor import SharedNodes, shared_nodes
from pipeline.sequence_shape import COURSE_SHAPE, SequenceShape
from pipeline.tensorflow_v1 import tf


@dataclass(frozen=True)
class InferenceGraph:
    graph: tf.Graph
    input_frames: tf.Tensor  # uint8 (B, 10, 64, 64, 3)
    shared: SharedNodes | None
    joint_pos: tf.Tensor  # float32 (B, 10, 7, 2), pixels
    variables: dict[str, tf.Variable]  # by name
    saver: tf.train.Saver


def build_inference_graph(
    network: str,
    num_units: int,
    averages_mirror: bool = False,
    shape: SequenceShape = COURSE_SHAPE,
) -> InferenceGraph:
    """Builds a graph with `input_frames`, `joint_pos` and the collection `validation_nodes` of both.

    network: a key of NETWORKS. num_units: size of the LSTM. averages_mirror: average over the mirrored frames too,
    which helps only if mirrored frames were trained on. shape: SequenceShape of the input; a model for another than the
    assignment's cannot be handed in. Variables have the same names as in the training graph.
    """
    graph = tf.Graph()
    with graph.as_default():
        input_frames = tf.placeholder(dtype=tf.uint8, shape=[None, *shape.frames], name="input_frames")
        positions = predicted_positions(input_frames, network, num_units, averages_mirror)
        joint_pos = tf.identity(positions, name="joint_pos")
        tf.add_to_collection("validation_nodes", input_frames)
        tf.add_to_collection("validation_nodes", joint_pos)
        variables = {variable.op.name: variable for variable in tf.global_variables()}
        saver = tf.train.Saver(save_relative_paths=True)
        tf.get_default_graph().finalize()
    return InferenceGraph(graph, input_frames, shared_nodes(graph), joint_pos, variables, saver)


def load_weights(inference: InferenceGraph, session: tf.Session, weights: dict[str, np.ndarray]) -> None:
    """Assigns values to the variables of an InferenceGraph. weights: arrays by variable name."""
    initializers = [inference.variables[name].initializer for name in weights]
    values = {op.inputs[1]: value for op, value in zip(initializers, weights.values(), strict=True)}
    session.run(initializers, feed_dict=values)
