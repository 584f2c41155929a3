"""The network in the assignment's form: a CNN shared by all frames, an LSTM over the ten, a linear head.

The same functions build the training graph and the exported one. There are two CNNs: what fits the trained frames
soonest, and what finds the joints of people it has never seen, are not the same. Each has a part that sees a frame by
itself, which is nearly all of it, and one that sees the frames of a sequence.
"""

from __future__ import annotations

from typing import Callable, NamedTuple

from model.cnn.pyramid import pyramid_frame_maps, pyramid_sequence_features
from model.cnn.strided import strided_frame_features, strided_sequence_features
from model.shared_nodes import FRAME_FEATURES, FRAME_ROWS
from pipeline.joints import JOINT_NAMES, MIRRORED_JOINTS
from pipeline.normalization import normalize_frames
from pipeline.sequence_shape import SequenceShape
from pipeline.tensorflow_v1 import tf


class Network(NamedTuple):
    """A CNN and what suits it.

    see_frames: a function of normalized frames, float32 (F, 64, 64, 3), and of whether it is being trained, that gives
    a NamedTuple of tensors (F, ...): what each frame shows by itself, and so what overlapping sequences share.
    see_sequences: a function of the same of sequences, (B, 10, ...), and of whether it is being trained, that gives
    the LSTM's input, float32 (B*10, D), and the points of the seven joints, float32 (B*10, 7, 2), or None. forget_bias:
    of the LSTM's cells. adam_beta2: Adam's second decay. average_decay: of the weights' moving average.
    """

    see_frames: Callable
    see_sequences: Callable
    forget_bias: float
    adam_beta2: float
    average_decay: float


# A frame that was trained on shows where its joints are: the strided CNN's cells start out forgetting those before it.
NETWORKS = {
    "strided": Network(
        strided_frame_features, strided_sequence_features, forget_bias=-1.0, adam_beta2=0.95, average_decay=0.99
    ),
    "pyramid": Network(
        pyramid_frame_maps, pyramid_sequence_features, forget_bias=1.0, adam_beta2=0.99, average_decay=0.995
    ),
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
    shape, outputs = _sequence_shape(input_frames), []
    frames = _normalized(input_frames, shape)
    for scope in _member_scopes(members):
        with tf.variable_scope(scope):
            seen = NETWORKS[network].see_frames(frames, is_training=True)
            sequences = type(seen)(*(_in_sequences(part, shape.length) for part in seen))
            features, points = NETWORKS[network].see_sequences(sequences, is_training=True)
            if points is not None:
                points = tf.reshape((points + 1) * (shape.width / 2, shape.height / 2), [-1, *shape.labels])
            outputs.append((_member_positions(features, network, num_units, shape, mean_pose), points))
    return outputs


def joint_positions(input_frames, network, num_units, members, averages_mirror):
    """Builds the same to predict: uint8 (B, 10, 64, 64, 3) → float32 (B, 10, 7, 2), x and y in pixels.

    That is the average of what the members give. With averages_mirror every other member sees the mirrored frames, and a
    single one sees both: members and mirror images differ by as much, and two views take half of the time of four.
    The graph's SharedNodes are between what is computed of a frame by itself, by all members and of both sides, and what
    is computed of a sequence: whoever evaluates overlapping sequences computes the former once a frame.
    """
    shape = _sequence_shape(input_frames)
    frames = _normalized(input_frames, shape)
    views, seen, positions = _views(members, averages_mirror), [], []
    for scope, is_mirrored in views:
        with tf.variable_scope(scope, reuse=tf.AUTO_REUSE):
            view = tf.reverse(frames, axis=[2]) if is_mirrored else frames
            seen.append(NETWORKS[network].see_frames(view, is_training=False))
    for (scope, is_mirrored), sequences in zip(views, _by_sequence(seen, shape.length)):
        with tf.variable_scope(scope, reuse=tf.AUTO_REUSE):
            features, _ = NETWORKS[network].see_sequences(sequences, is_training=False)
            of_view = _member_positions(features, network, num_units, shape)
        positions.append(_mirrored(of_view, shape.width) if is_mirrored else of_view)
    return tf.add_n(positions) / len(positions)


def _views(members, averages_mirror):
    """Which member sees which side: a list of the member's scope and whether it sees the mirrored frames."""
    scopes = _member_scopes(members)
    if averages_mirror and members == 1:
        return [(scopes[0], False), (scopes[0], True)]
    return [(scope, averages_mirror and number % 2 == 1) for number, scope in enumerate(scopes)]


def _by_sequence(seen, length):
    """What frames show by themselves, a list of NamedTuples of tensors (F, ...), as the same of sequences, (B, 10, ...).

    On its way it is the SharedNodes' features, put together again by their rows.
    """
    parts = [part for tensors in seen for part in tensors]
    sizes = [part.shape[1:].num_elements() for part in parts]
    flat = tf.concat([tf.reshape(part, [-1, size]) for part, size in zip(parts, sizes)], axis=1)
    flat = tf.identity(flat, name=FRAME_FEATURES)
    rows = tf.reshape(tf.range(tf.shape(flat)[0]), [-1, length], name=FRAME_ROWS)
    flat_parts = zip(tf.split(flat, sizes, axis=1), parts)
    gathered = iter([tf.gather(tf.reshape(flat_part, [-1, *part.shape[1:]]), rows) for flat_part, part in flat_parts])
    return [type(tensors)(*(next(gathered) for _ in tensors)) for tensors in seen]


def _in_sequences(part, length):
    """A tensor (B*10, ...) as (B, 10, ...)."""
    return tf.reshape(part, [-1, length, *part.shape[1:]])


def _mirrored(positions, width):
    """Positions in mirrored frames, float32 (B, 10, 7, 2), pixels, as positions in the frames themselves."""
    return tf.gather(positions, MIRRORED_JOINTS, axis=2) * (-1.0, 1.0) + (float(width), 0.0)


def _sequence_shape(input_frames):
    """That of a tensor (B, length, height, width, 3)."""
    return SequenceShape(*input_frames.shape.as_list()[1:4])


def _normalized(input_frames, shape):
    """uint8 frames (B, 10, 64, 64, 3) → float32 (B*10, 64, 64, 3)."""
    return normalize_frames(tf.reshape(input_frames, [-1, *shape.frame]))


def _member_scopes(members):
    return [f"member_{number + 1}" for number in range(members)]


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
