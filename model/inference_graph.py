"""The exported graph: built on its own, without gradients, so that TensorFlow 1.15 can load it."""

from typing import NamedTuple

from model.network import joint_positions
from model.views import make_views
from pipeline.sequence_shape import FRAME_SHAPE, FRAMES_PER_SEQUENCE
from pipeline.tensorflow_v1 import tf


class InferenceGraph(NamedTuple):
    """A graph with the course's two nodes, the tensor between CNN and LSTM, and what saves its variables."""

    graph: tf.Graph
    input_frames: tf.Tensor
    frame_features: tf.Tensor
    joint_pos: tf.Tensor
    variables: dict
    saver: tf.train.Saver


def build_inference_graph(network, num_units, averaged_kinds=(), members=1):
    """Builds the course's contract in a graph of its own: `input_frames`, `joint_pos` and the collection of the two.

    network: a key of NETWORKS. num_units: size of the LSTM. averaged_kinds: those of the augmentation's kinds that were
    trained with; for "mirror" and for "scale" what the network makes of the mirrored and of the enlarged frames is
    averaged in, each for twice the time. members: how many networks are averaged.
    `variables` maps the names that they have in the training graph too to the variables.
    """
    graph = tf.Graph()
    with graph.as_default():
        input_frames = tf.placeholder(
            dtype=tf.uint8, shape=[None, FRAMES_PER_SEQUENCE, *FRAME_SHAPE], name="input_frames"
        )
        views = make_views(mirrored="mirror" in averaged_kinds, enlarged="scale" in averaged_kinds)
        positions = joint_positions(input_frames, network, num_units, members, views)
        joint_pos = tf.identity(positions, name="joint_pos")
        tf.add_to_collection("validation_nodes", input_frames)
        tf.add_to_collection("validation_nodes", joint_pos)
        variables = {variable.op.name: variable for variable in tf.global_variables()}
        saver = tf.train.Saver(save_relative_paths=True)
        tf.get_default_graph().finalize()
    frame_features = graph.get_tensor_by_name("frame_features:0")
    return InferenceGraph(graph, input_frames, frame_features, joint_pos, variables, saver)


def load_weights(inference, session, weights):
    """Gives the variables of an InferenceGraph these values: a dict from variable name to array."""
    initializers = [inference.variables[name].initializer for name in weights]
    values = {op.inputs[1]: value for op, value in zip(initializers, weights.values())}
    session.run(initializers, feed_dict=values)
