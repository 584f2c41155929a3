"""The network in the assignment's form: a CNN shared by all frames, an LSTM over the ten, a linear head.

The same functions build the training graph and the exported one. The CNNs are the modules of model/cnn/, and
model/network_kinds.py lists them: one fits the trained frames soonest, another generalizes to people it has never seen.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Iterator
from typing import NamedTuple, Protocol, cast

import numpy as np

from model.batch_normalization import normalized_convolution
from model.layers import Convolution, convolution
from model.network_kinds import NETWORKS
from model.shared_nodes import FRAME_FEATURES, FRAME_ROWS
from pipeline.joints import JOINT_NAMES, MIRRORED_JOINTS
from pipeline.normalization import normalize_frames
from pipeline.sequence_shape import SequenceShape
from pipeline.tensorflow_v1 import tf


class FrameParts(Protocol):
    """A NamedTuple of tensors, of which each CNN has its own."""

    def __iter__(self) -> Iterator[tf.Tensor]: ...

    @classmethod
    def _make(cls, iterable: Iterable[tf.Tensor]) -> FrameParts: ...


class CNN(Protocol):
    """What a module of model/cnn/ provides. Nearly all of a CNN sees one frame at a time; the rest sees sequences."""

    def see_frames(self, values: tf.Tensor, convolve: Convolution) -> FrameParts:
        """Normalized frames, float32 (F, 64, 64, 3) → tensors (F, ...): what each frame shows alone.

        Overlapping sequences share it.
        """

    def see_sequences(self, frames: FrameParts, convolve: Convolution) -> tuple[tf.Tensor, tf.Tensor | None]:
        """The same for sequences, tensors (B, 10, ...) → the LSTM's input and the joints' points.

        These are float32 (B*10, D), and float32 (B*10, 7, 2) from -1 to 1 across the frame, or None.
        """


class MemberOutput(NamedTuple):
    """positions: float32 (B, 10, 7, 2), x and y in pixels. points: the same from the CNN alone, or None."""

    positions: tf.Tensor
    points: tf.Tensor | None

    def prediction(self) -> tf.Tensor:
        """Float32 (B, 10, 7, 2), pixels: the average of both.

        Each is trained by itself and errs in another way: bench/README.md has the errors of either and of the average.
        """
        return self.positions if self.points is None else (self.positions + self.points) / 2


class View(NamedTuple):
    """scope: the variable scope of a member. is_mirrored: whether it sees the mirrored frames."""

    scope: str
    is_mirrored: bool


# Hidden states lie between -1 and 1, positions spread over tens of pixels: the head starts at a scale that spans them.
HEAD_DEVIATION = 3.0


def training_positions(
    input_frames: tf.Tensor,
    network: str,
    num_units: int,
    members: int,
    mean_pose: np.ndarray,
    convolve: Convolution = normalized_convolution,
) -> list[MemberOutput]:
    """Builds the network behind uint8 frames for training; returns the output of each member.

    input_frames: uint8 tensor (B, 10, 64, 64, 3), or of another SequenceShape whose height and width are multiples of
    SIZE_STEP. network: a key of NETWORKS. num_units: size of the LSTM. members: how many networks of this kind, each
    with a CNN, an LSTM and a head of its own, are trained side by side. mean_pose: float32 array (7, 2), the initial
    value of the heads' biases. convolve: makes the convolutions that are followed by batch normalization.
    """
    shape, cnn = _sequence_shape(input_frames), _cnn(network)
    frames, outputs = _normalized(input_frames, shape), []
    for scope in _member_scopes(members):
        with tf.variable_scope(scope):
            seen = cnn.see_frames(frames, convolve)
            sequences = seen._make(_in_sequences(part, shape.length) for part in seen)
            outputs.append(_member_output(sequences, network, num_units, shape, convolve, mean_pose))
    return outputs


def predicted_positions(
    input_frames: tf.Tensor, network: str, num_units: int, members: int, averages_mirror: bool
) -> tf.Tensor:
    """Builds the same network for prediction: uint8 (B, 10, 64, 64, 3) → float32 (B, 10, 7, 2), x and y in pixels.

    The result is the average of the members' predictions, and with averages_mirror also of those for the mirrored
    frames: bench/README.md compares two views, of a side for each member, with these four. The graph's SharedNodes
    separate what depends on one frame from what depends on the sequence, for all members and both sides: an evaluation
    of overlapping sequences computes the former once a frame.
    """
    shape, cnn = _sequence_shape(input_frames), _cnn(network)
    frames = _normalized(input_frames, shape)
    views, seen, positions = _views(members, averages_mirror), [], []
    for view in views:
        with tf.variable_scope(view.scope, reuse=tf.AUTO_REUSE):
            viewed = tf.reverse(frames, axis=[2]) if view.is_mirrored else frames
            seen.append(cnn.see_frames(viewed, convolution))
    for view, sequences in zip(views, _by_sequence(seen, shape.length), strict=True):
        with tf.variable_scope(view.scope, reuse=tf.AUTO_REUSE):
            of_view = _member_output(sequences, network, num_units, shape, convolution).prediction()
        positions.append(_mirrored(of_view, shape.width) if view.is_mirrored else of_view)
    return tf.add_n(positions) / len(positions)


def _cnn(network: str) -> CNN:
    """The module of model/cnn/ with this name."""
    return cast(CNN, importlib.import_module(f"model.cnn.{network}"))


def _views(members: int, averages_mirror: bool) -> list[View]:
    """Which member sees which side of the frames."""
    scopes, sides = _member_scopes(members), (False, True) if averages_mirror else (False,)
    return [View(scope, is_mirrored) for scope in scopes for is_mirrored in sides]


def _by_sequence(seen: list[FrameParts], length: int) -> list[FrameParts]:
    """What frames show alone, tensors (F, ...), as the same of sequences, (B, 10, ...).

    In between it is the SharedNodes' features, gathered by their rows.
    """
    parts = [part for tensors in seen for part in tensors]
    sizes = [part.shape[1:].num_elements() for part in parts]
    flat = tf.concat([tf.reshape(part, [-1, size]) for part, size in zip(parts, sizes, strict=True)], axis=1)
    flat = tf.identity(flat, name=FRAME_FEATURES)
    rows = tf.reshape(tf.range(tf.shape(flat)[0]), [-1, length], name=FRAME_ROWS)
    flat_parts = zip(tf.split(flat, sizes, axis=1), parts, strict=True)
    gathered = iter([tf.gather(tf.reshape(flat_part, [-1, *part.shape[1:]]), rows) for flat_part, part in flat_parts])
    return [tensors._make(next(gathered) for _ in tensors) for tensors in seen]


def _in_sequences(part: tf.Tensor, length: int) -> tf.Tensor:
    """A tensor (B*10, ...) as (B, 10, ...)."""
    return tf.reshape(part, [-1, length, *part.shape[1:]])


def _mirrored(positions: tf.Tensor, width: int) -> tf.Tensor:
    """Positions in mirrored frames, float32 (B, 10, 7, 2), pixels, as positions in the frames themselves."""
    return tf.gather(positions, MIRRORED_JOINTS, axis=2) * (-1.0, 1.0) + (float(width), 0.0)


def _sequence_shape(input_frames: tf.Tensor) -> SequenceShape:
    """The SequenceShape of a tensor (B, length, height, width, 3)."""
    return SequenceShape(*input_frames.shape.as_list()[1:4])


def _normalized(input_frames: tf.Tensor, shape: SequenceShape) -> tf.Tensor:
    """uint8 frames (B, 10, 64, 64, 3) → float32 (B*10, 64, 64, 3)."""
    return normalize_frames(tf.reshape(input_frames, [-1, *shape.frame]))


def _member_scopes(members: int) -> list[str]:
    return [f"member_{number + 1}" for number in range(members)]


def _member_output(
    sequences: FrameParts,
    network: str,
    num_units: int,
    shape: SequenceShape,
    convolve: Convolution,
    mean_pose: np.ndarray | None = None,
) -> MemberOutput:
    """What a member makes of what the frames of sequences show alone, in the member's variable scope."""
    features, points = _cnn(network).see_sequences(sequences, convolve)
    if points is not None:
        points = tf.reshape((points + 1) * (shape.width / 2, shape.height / 2), [-1, *shape.labels])
    hidden_states = _hidden_states(features, num_units, shape, NETWORKS[network].forget_bias)
    return MemberOutput(_head(hidden_states, shape, mean_pose), points)


def _hidden_states(features: tf.Tensor, num_units: int, shape: SequenceShape, forget_bias: float) -> tf.Tensor:
    """The LSTM over each sequence's frames: float32 (B*10, C) → (B*10, num_units)."""
    sequences = tf.reshape(features, [-1, shape.length, features.shape[1].value])
    cell = tf.nn.rnn_cell.LSTMCell(num_units, forget_bias=forget_bias)
    hidden_states, _ = tf.nn.dynamic_rnn(cell, sequences, dtype=tf.float32)
    return tf.reshape(hidden_states, [-1, num_units])


def _head(hidden_states: tf.Tensor, shape: SequenceShape, mean_pose: np.ndarray | None) -> tf.Tensor:
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
