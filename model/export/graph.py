"""The exported graph: built on its own, without gradients, so that TensorFlow 1.15 can load it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from model.network import predicted_positions
from model.shared_nodes import SharedNodes, shared_nodes
from pipeline.sequence_shape import COURSE_SHAPE, SequenceShape
from pipeline.tensorflow_v1 import tf


class InferenceGraph(NamedTuple):
    """A graph with the course's two nodes, its SharedNodes, its variables by name, and what saves them."""

    graph: tf.Graph
    input_frames: tf.Tensor
    shared: SharedNodes | None
    joint_pos: tf.Tensor
    variables: dict[str, tf.Variable]
    saver: tf.train.Saver


def build_inference_graph(
    network: str,
    num_units: int,
    averages_mirror: bool = False,
    members: int = 1,
    shape: SequenceShape = COURSE_SHAPE,
) -> InferenceGraph:
    """Builds the course's contract in a graph of its own: `input_frames`, `joint_pos` and the collection of the two.

    network: a key of NETWORKS. num_units: size of the LSTM. averages_mirror: whether every network sees the
    mirrored frames too, which helps only if training saw mirrored frames. members: how many networks are averaged.
    shape: SequenceShape of the input; with another than the course's, the model is not one to
    hand in. Variables have the same names as in the training graph.
    """
    graph = tf.Graph()
    with graph.as_default():
        input_frames = tf.placeholder(dtype=tf.uint8, shape=[None, *shape.frames], name="input_frames")
        positions = predicted_positions(input_frames, network, num_units, members, averages_mirror)
        joint_pos = tf.identity(positions, name="joint_pos")
        tf.add_to_collection("validation_nodes", input_frames)
        tf.add_to_collection("validation_nodes", joint_pos)
        variables = {variable.op.name: variable for variable in tf.global_variables()}
        saver = tf.train.Saver(save_relative_paths=True)
        tf.get_default_graph().finalize()
    return InferenceGraph(graph, input_frames, shared_nodes(graph), joint_pos, variables, saver)


def load_weights(inference: InferenceGraph, session: tf.Session, weights: dict[str, np.ndarray]) -> None:
    """Gives the variables of an InferenceGraph these values: a dict from variable name to array."""
    initializers = [inference.variables[name].initializer for name in weights]
    values = {op.inputs[1]: value for op, value in zip(initializers, weights.values(), strict=True)}
    session.run(initializers, feed_dict=values)
