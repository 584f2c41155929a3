"""The network in the assignment's form: a CNN shared by all frames, an LSTM over the ten, a linear head.

The same functions build the training graph and the exported one. There are two CNNs: what fits the trained frames
soonest, and what finds the joints of people it has never seen, are not the same.
"""

from typing import Callable, NamedTuple

from model.pyramid_cnn import pyramid_features
from model.strided_cnn import strided_features
from pipeline.joints import JOINT_NAMES, MIRRORED_JOINTS
from pipeline.normalization import normalize_frames
from pipeline.sequence_shape import SequenceShape
from pipeline.tensorflow_v1 import tf


class Network(NamedTuple):
    """A CNN and what suits it.

    features: a function of normalized frames, float32 (F, 64, 64, 3), and of whether it is being trained, that gives
    float32 (F, C) and the points of the seven joints, float32 (F, 7, 2), or None. forget_bias: of the LSTM's cells.
    adam_beta2: Adam's second decay. average_decay: of the weights' moving average.
    """

    features: Callable
    forget_bias: float
    adam_beta2: float
    average_decay: float


# A frame that was trained on shows where its joints are: the strided CNN's cells start out forgetting those before it.
NETWORKS = {
    "strided": Network(strided_features, forget_bias=-1.0, adam_beta2=0.95, average_decay=0.99),
    "pyramid": Network(pyramid_features, forget_bias=1.0, adam_beta2=0.99, average_decay=0.995),
}

# Hidden states lie between -1 and 1, positions spread over tens of pixels: the head starts at a scale that spans them.
HEAD_DEVIATION = 3.0


def training_positions(input_frames, network, num_units, mean_pose):
    """Builds the network behind uint8 frames, to be trained.

    input_frames: uint8 tensor (B, 10, 64, 64, 3), or of another SequenceShape whose height and width are multiples of
    SIZE_STEP. network: a key of NETWORKS. num_units: size of the LSTM. mean_pose:
    float32 array (7, 2) at which the head's bias starts. Returns float32 (B, 10, 7, 2), x and y in pixels, and the same
    as the CNN's points give it frame by frame, or None.
    """
    features, points = NETWORKS[network].features(_normalized(input_frames), is_training=True)
    shape = _sequence_shape(input_frames)
    if points is not None:
        points = tf.reshape((points + 1) * (shape.width / 2, shape.height / 2), [-1, *shape.labels])
    return _positions(features, network, num_units, shape, mean_pose), points


def joint_positions(input_frames, network, num_units):
    """Builds the same network to predict: uint8 (B, 10, 64, 64, 3) → float32 (B, 10, 7, 2), x and y in pixels.

    The tensor `frame_features` between CNN and LSTM, float32 (B*10, C), has a row for each frame: whoever evaluates
    overlapping sequences computes it once a frame.
    """
    features, _ = NETWORKS[network].features(_normalized(input_frames), is_training=False)
    features = tf.identity(features, name="frame_features")
    return _positions(features, network, num_units, _sequence_shape(input_frames))


def mirror_averaged_positions(input_frames, network, num_units):
    """The same, averaged with what the network makes of the mirrored frames; `frame_features` has both side by side."""
    frames = _normalized(input_frames)
    both = tf.concat([frames, tf.reverse(frames, axis=[2])], axis=0)
    features, _ = NETWORKS[network].features(both, is_training=False)
    features = tf.identity(tf.concat(tf.split(features, 2), axis=1), name="frame_features")
    shape = _sequence_shape(input_frames)
    both = _positions(tf.concat(tf.split(features, 2, axis=1), axis=0), network, num_units, shape)
    positions, mirrored = tf.split(both, 2)
    mirrored = tf.gather(mirrored, MIRRORED_JOINTS, axis=2) * (-1.0, 1.0) + (float(shape.width), 0.0)
    return (positions + mirrored) / 2


def _sequence_shape(input_frames):
    """That of a tensor (B, length, height, width, 3)."""
    return SequenceShape(*input_frames.shape.as_list()[1:4])


def _normalized(input_frames):
    return normalize_frames(tf.reshape(input_frames, [-1, *_sequence_shape(input_frames).frame]))


def _positions(features, network, num_units, shape, mean_pose=None):
    return _head(_hidden_states(features, num_units, shape, NETWORKS[network].forget_bias), shape, mean_pose)


def _hidden_states(features, num_units, shape, forget_bias):
    """The LSTM over each sequence's frames: float32 (B*10, C) → (B*10, num_units)."""
    sequences = tf.reshape(features, [-1, shape.length, features.shape[1].value])
    cell = tf.nn.rnn_cell.LSTMCell(num_units, forget_bias=forget_bias)
    hidden_states, _ = tf.nn.dynamic_rnn(cell, sequences, dtype=tf.float32)
    return tf.reshape(hidden_states, [-1, num_units])


def _head(hidden_states, shape, mean_pose):
    """One matmul with weights that all frames share: float32 (B*10, num_units) → (B, 10, 7, 2) pixels."""
    num_outputs = len(JOINT_NAMES) * 2
    start = tf.zeros_initializer() if mean_pose is None else tf.constant_initializer(mean_pose.ravel())
    with tf.variable_scope("head"):
        weights = tf.get_variable(
            "weights",
            [hidden_states.shape[1].value, num_outputs],
            initializer=tf.initializers.random_normal(stddev=HEAD_DEVIATION),
        )
        bias = tf.get_variable("bias", [num_outputs], initializer=start)
    positions = tf.nn.bias_add(tf.matmul(hidden_states, weights), bias)
    return tf.reshape(positions, [-1, *shape.labels])
