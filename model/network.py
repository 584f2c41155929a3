"""The network in the assignment's form: a CNN shared by all frames, an LSTM over the ten, a linear head.

The same functions build the training graph and the exported one.
"""

from pipeline.joints import JOINT_NAMES
from pipeline.normalization import normalize_frames
from pipeline.sequence_shape import FRAME_SHAPE, FRAMES_PER_SEQUENCE
from pipeline.tensorflow_v1 import tf

NUM_FEATURES = 256
# Hidden states lie between -1 and 1, positions spread over tens of pixels: the head starts at a scale that spans them.
HEAD_DEVIATION = 3.0
# A frame shows where its joints are: cells start out forgetting most of the frames before, and learn what to keep.
FORGET_BIAS = -1.0


def joint_positions(input_frames, num_units, mean_pose=None):
    """Builds the network behind uint8 frames.

    input_frames: uint8 tensor (B, 10, 64, 64, 3). num_units: size of the LSTM. mean_pose: float32 array (7, 2) at which
    the head's bias starts, or None for zeros. Returns float32 (B, 10, 7, 2), x and y in pixels.
    """
    frames = tf.reshape(input_frames, [-1, *FRAME_SHAPE])
    features = frame_features(normalize_frames(frames))
    return _head(_hidden_states(features, num_units), mean_pose)


def frame_features(values):
    """The shared CNN to its fully connected layer: float32 (F, 64, 64, 3), normalized → float32 (F, 256).

    The result is the tensor `frame_features`: whoever evaluates overlapping sequences computes it once a frame.
    """
    values = _convolution("convolution_1", values, filters=16, size=4, stride=4)
    values = _convolution("convolution_2", values, filters=64, size=3, stride=2)
    values = tf.reshape(values, [-1, values.shape[1].value * values.shape[2].value * values.shape[3].value])
    return tf.identity(_fully_connected("fully_connected", values, NUM_FEATURES), name="frame_features")


def _convolution(name, values, filters, size, stride):
    with tf.variable_scope(name):
        shape = [size, size, values.shape[3].value, filters]
        weights = tf.get_variable("weights", shape, initializer=tf.initializers.he_normal())
        bias = tf.get_variable("bias", [filters], initializer=tf.zeros_initializer())
        values = tf.nn.conv2d(values, weights, strides=[1, stride, stride, 1], padding="SAME")
        return tf.nn.relu(tf.nn.bias_add(values, bias))


def _fully_connected(name, values, units):
    with tf.variable_scope(name):
        weights = tf.get_variable("weights", [values.shape[1].value, units], initializer=tf.initializers.he_normal())
        bias = tf.get_variable("bias", [units], initializer=tf.zeros_initializer())
        return tf.nn.relu(tf.nn.bias_add(tf.matmul(values, weights), bias))


def _hidden_states(features, num_units):
    """The LSTM over each sequence's frames: float32 (B*10, 256) → (B*10, num_units)."""
    sequences = tf.reshape(features, [-1, FRAMES_PER_SEQUENCE, features.shape[1].value])
    cell = tf.nn.rnn_cell.LSTMCell(num_units, forget_bias=FORGET_BIAS)
    hidden_states, _ = tf.nn.dynamic_rnn(cell, sequences, dtype=tf.float32)
    return tf.reshape(hidden_states, [-1, num_units])


def _head(hidden_states, mean_pose):
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
    return tf.reshape(positions, [-1, FRAMES_PER_SEQUENCE, len(JOINT_NAMES), 2])
