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

    features: a function of normalized frames, float32 (F, 64, 64, C), and of whether it is being trained, that gives
    float32 (F, D) and the points of the seven joints, float32 (F, 7, 2), or None. sees_motion: whether C is 7, for each
    frame comes with what moves in its sequence; it is 3 where it does not. forget_bias: of the LSTM's cells.
    adam_beta2: Adam's second decay. average_decay: of the weights' moving average.
    """

    features: Callable
    sees_motion: bool
    forget_bias: float
    adam_beta2: float
    average_decay: float


# A frame that was trained on shows where its joints are: the strided CNN's cells start out forgetting those before it.
NETWORKS = {
    "strided": Network(strided_features, sees_motion=False, forget_bias=-1.0, adam_beta2=0.95, average_decay=0.99),
    "pyramid": Network(pyramid_features, sees_motion=True, forget_bias=1.0, adam_beta2=0.99, average_decay=0.995),
}

# Hidden states lie between -1 and 1, positions spread over tens of pixels: the head starts at a scale that spans them.
HEAD_DEVIATION = 3.0


def training_positions(input_frames, network, num_units, members, mean_pose):
    """Builds the network behind uint8 frames, to be trained.

    input_frames: uint8 tensor (B, 10, 64, 64, 3), or of another SequenceShape whose height and width are multiples of
    SIZE_STEP. network: a key of NETWORKS. num_units: size of the LSTM. members: how many networks of this kind, each
    with a CNN, an LSTM and a head of its own, learn side by side. mean_pose: float32 array (7, 2) at which the heads'
    biases start. Returns, for each member, float32 (B, 10, 7, 2), x and y in pixels, and the same as its CNN's points
    give it frame by frame, or None.
    """
    shape, frames, outputs = _sequence_shape(input_frames), _seen(input_frames, network), []
    for scope in _member_scopes(members):
        with tf.variable_scope(scope):
            features, points = NETWORKS[network].features(frames, is_training=True)
            if points is not None:
                points = tf.reshape((points + 1) * (shape.width / 2, shape.height / 2), [-1, *shape.labels])
            outputs.append((_member_positions(features, network, num_units, shape, mean_pose), points))
    return outputs


def joint_positions(input_frames, network, num_units, members, averages_mirror):
    """Builds the same to predict: uint8 (B, 10, 64, 64, 3) → float32 (B, 10, 7, 2), x and y in pixels.

    That is the average of what the members give, and, with averages_mirror, of what they give for the mirrored frames.
    Where the CNN sees a frame by itself, the tensor `frame_features` between CNN and LSTM, float32 (B*10, D), has a row
    for each frame, of all members and of both sides: whoever evaluates overlapping sequences computes it once a frame.
    """
    shape, frames = _sequence_shape(input_frames), _seen(input_frames, network)
    sides = [frames, tf.reverse(frames, axis=[2])] if averages_mirror else [frames]
    features = tf.concat([_features(side, network, members) for side in sides], axis=1)
    if not NETWORKS[network].sees_motion:
        features = tf.identity(features, name="frame_features")
    sides = tf.split(features, len(sides), axis=1)
    positions = [_positions(side, network, num_units, members, shape) for side in sides]
    return (positions[0] + _mirrored(positions[1], shape.width)) / 2 if averages_mirror else positions[0]


def _mirrored(positions, width):
    """Positions in mirrored frames, float32 (B, 10, 7, 2), pixels, as positions in the frames themselves."""
    return tf.gather(positions, MIRRORED_JOINTS, axis=2) * (-1.0, 1.0) + (float(width), 0.0)


def _sequence_shape(input_frames):
    """That of a tensor (B, length, height, width, 3)."""
    return SequenceShape(*input_frames.shape.as_list()[1:4])


def _seen(input_frames, network):
    """What the CNN sees of uint8 frames (B, 10, 64, 64, 3): float32 (B*10, 64, 64, C)."""
    shape = _sequence_shape(input_frames)
    frames = normalize_frames(tf.reshape(input_frames, [-1, *shape.frame]))
    return _with_motion(frames, shape) if NETWORKS[network].sees_motion else frames


def _with_motion(frames, shape):
    """float32 (B*10, 64, 64, 3) → (B*10, 64, 64, 7): each frame, how it differs from the average of its ten, and how
    much its ten do so on average.

    What differs is what moves: most often the person, and not what stands around.
    """
    sequences = tf.reshape(frames, [-1, *shape.frames])
    motion = sequences - tf.reduce_mean(sequences, axis=1, keepdims=True)
    spread = tf.sqrt(tf.reduce_mean(tf.square(motion), axis=[1, 4], keepdims=True))
    spread = tf.tile(spread, [1, shape.length, 1, 1, 1])
    seen = tf.concat([sequences, motion, spread], axis=4)
    return tf.reshape(seen, [-1, shape.height, shape.width, seen.shape[4].value])


def _member_scopes(members):
    return [f"member_{number + 1}" for number in range(members)]


def _features(frames, network, members):
    """Those of all members side by side: float32 (F, 64, 64, C) → (F, members * D)."""
    features = []
    for scope in _member_scopes(members):
        with tf.variable_scope(scope, reuse=tf.AUTO_REUSE):
            features.append(NETWORKS[network].features(frames, is_training=False)[0])
    return tf.concat(features, axis=1)


def _positions(features, network, num_units, members, shape):
    """The average of what the members make of their share of the features: float32 (B, 10, 7, 2)."""
    positions = []
    for scope, share in zip(_member_scopes(members), tf.split(features, members, axis=1)):
        with tf.variable_scope(scope, reuse=tf.AUTO_REUSE):
            positions.append(_member_positions(share, network, num_units, shape))
    return tf.add_n(positions) / members


def _member_positions(features, network, num_units, shape, mean_pose=None):
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
