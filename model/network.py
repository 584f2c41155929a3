"""The network: one CNN for all frames, an LSTM over the frames of each sequence, and a head of one matmul.

    input_frames     uint8    (B, 10, 64, 64, 3)
    normalized       float32  (B*10, 64, 64, 3)     each frame by its own mean and standard deviation
    CNN              float32  (B*10, D)             the same weights for every frame
    LSTM             float32  (B, 10, num_units)    over the ten frames of each sequence
    head             float32  (B*10, 14)            one matmul for all frames
    positions        float32  (B, 10, 7, 2)         x and y of each joint, in pixels

`training_positions` builds it for the training graph, `predicted_positions` for the exported graph, from the same
functions. The CNNs are in model/cnn/; model/network_kinds.py lists them.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Iterator
from typing import NamedTuple, Protocol, cast

import numpy as np

from model.batch_normalization import normalized_convolution
from model.layers import Convolution, convolution, seed_of
from model.network_kinds import NETWORKS
from pipeline.joints import JOINT_NAMES, MIRRORED_JOINTS
from pipeline.normalization import normalize_frames
from pipeline.sequence_shape import SequenceShape
from pipeline.tensorflow_v1 import tf

# Hidden states are between -1 and 1, positions tens of pixels apart: the head's initial weights bridge the scales.
HEAD_DEVIATION = 3.0
# Names of two tensors in the exported graph: the features that depend on one frame only, one row per frame; and the
# rows that each sequence consists of. model/predictor.py feeds both, to compute each frame once that several sequences
# contain.
FRAME_FEATURES = "frame_features"
FRAME_ROWS = "frame_rows"


class TensorTuple(Protocol):
    """A NamedTuple of tensors; each CNN defines its own."""

    def __iter__(self) -> Iterator[tf.Tensor]: ...

    @classmethod
    def _make(cls, iterable: Iterable[tf.Tensor]) -> TensorTuple: ...


class CNN(Protocol):
    """The interface of the modules of model/cnn/. Nearly all of a CNN is in frame_features."""

    def frame_features(self, frames: tf.Tensor, convolve: Convolution) -> TensorTuple:
        """The features that depend on one frame only: normalized float32 (F, 64, 64, 3) → tensors (F, ...)."""

    def sequence_features(self, features: TensorTuple, convolve: Convolution) -> tuple[tf.Tensor, tf.Tensor | None]:
        """Completes the CNN; may compare the frames of a sequence: tensors (B, 10, ...) → the LSTM's input, points.

        The LSTM's input is float32 (B*10, D). The points are the CNN's own estimate of the joints, float32 (B*10, 7, 2)
        from -1 to 1 across the frame, or None.
        """


class NetworkOutput(NamedTuple):
    positions: tf.Tensor  # float32 (B, 10, 7, 2), pixels, from the head
    points: tf.Tensor | None  # float32 (B, 10, 7, 2), pixels, estimated by the CNN, if it does

    def prediction(self) -> tf.Tensor:
        """The average of both, float32 (B, 10, 7, 2) in pixels. docs/EXPERIMENTS.md has the errors of each."""
        return self.positions if self.points is None else (self.positions + self.points) / 2


def training_positions(
    input_frames: tf.Tensor,
    network: str,
    num_units: int,
    mean_pose: np.ndarray,
    convolve: Convolution = normalized_convolution,
) -> NetworkOutput:
    """Builds the network for training.

    input_frames: uint8 tensor (B, 10, 64, 64, 3), or that of another SequenceShape whose height and width are multiples
    of SIZE_STEP. network: a key of NETWORKS. num_units: size of the LSTM. mean_pose: float32 array (7, 2) in pixels,
    the initial bias of the head. convolve: creates the convolutions that have batch normalization.
    """
    shape = _sequence_shape(input_frames)
    features = _cnn(network).frame_features(_normalized_frames(input_frames, shape), convolve)
    by_sequence = features._make(tf.reshape(part, [-1, shape.length, *part.shape[1:]]) for part in features)
    return _network_output(by_sequence, network, num_units, shape, convolve, mean_pose)


def _cnn(network: str) -> CNN:
    return cast(CNN, importlib.import_module(f"model.cnn.{network}"))


def _sequence_shape(input_frames: tf.Tensor) -> SequenceShape:
    return SequenceShape(*input_frames.shape.as_list()[1:4])


def _normalized_frames(input_frames: tf.Tensor, shape: SequenceShape) -> tf.Tensor:
    """uint8 (B, 10, 64, 64, 3) → float32 (B*10, 64, 64, 3): from here on, the CNN sees a batch of single frames."""
    return normalize_frames(tf.reshape(input_frames, [-1, *shape.frame]))


def _network_output(
    features: TensorTuple,
    network: str,
    num_units: int,
    shape: SequenceShape,
    convolve: Convolution,
    mean_pose: np.ndarray | None = None,
) -> NetworkOutput:
    """The part of a network after the frame features. features: grouped by sequence, tensors (B, 10, ...)."""
    lstm_input, points = _cnn(network).sequence_features(features, convolve)
    if points is not None:
        points = tf.reshape((points + 1) * (shape.width / 2, shape.height / 2), [-1, *shape.labels])
    hidden_states = _lstm(lstm_input, num_units, shape, NETWORKS[network].forget_bias)
    return NetworkOutput(_head(hidden_states, shape, mean_pose), points)


def _lstm(features: tf.Tensor, num_units: int, shape: SequenceShape, forget_bias: float) -> tf.Tensor:
    """The LSTM over the frames of each sequence: float32 (B*10, D) → hidden states (B*10, num_units)."""
    sequences = tf.reshape(features, [-1, shape.length, features.shape[1].value])
    initializer = tf.initializers.glorot_uniform(seed_of("lstm"))
    cell = tf.nn.rnn_cell.LSTMCell(num_units, forget_bias=forget_bias, initializer=initializer)
    hidden_states, _ = tf.nn.dynamic_rnn(cell, sequences, dtype=tf.float32)
    return tf.reshape(hidden_states, [-1, num_units])


def _head(hidden_states: tf.Tensor, shape: SequenceShape, mean_pose: np.ndarray | None) -> tf.Tensor:
    """One matmul for all frames, without a loop over time: float32 (B*10, num_units) → (B, 10, 7, 2) in pixels."""
    num_outputs = len(JOINT_NAMES) * 2
    initial_bias = tf.zeros_initializer() if mean_pose is None else tf.constant_initializer(mean_pose.ravel())
    with tf.variable_scope("head"):
        weights = tf.get_variable(
            "weights",
            [hidden_states.shape[1].value, num_outputs],
            initializer=tf.initializers.random_normal(stddev=HEAD_DEVIATION, seed=seed_of("weights")),
        )
        bias = tf.get_variable("bias", [num_outputs], initializer=initial_bias)
    positions = tf.nn.bias_add(tf.matmul(hidden_states, weights), bias)
    return tf.reshape(positions, [-1, *shape.labels])


def predicted_positions(input_frames: tf.Tensor, network: str, num_units: int, averages_mirror: bool) -> tf.Tensor:
    """Builds the same network for prediction: uint8 (B, 10, 64, 64, 3) → float32 (B, 10, 7, 2) in pixels.

    With averages_mirror, the result is the average over the frames and the mirrored frames. "Averages of predictions"
    in docs/EXPERIMENTS.md has the errors with and without. All frame features, those of mirrored frames too, pass
    through one tensor, FRAME_FEATURES; everything after it is computed for each sequence.
    """
    cnn, shape = _cnn(network), _sequence_shape(input_frames)
    frames = _normalized_frames(input_frames, shape)
    views = [frames, tf.reverse(frames, axis=[2])] if averages_mirror else [frames]
    predictions = []
    with tf.variable_scope("", reuse=tf.AUTO_REUSE):
        features = [cnn.frame_features(view, convolution) for view in views]
        for by_sequence in _gathered_by_sequence(features, shape.length):
            predictions.append(_network_output(by_sequence, network, num_units, shape, convolution).prediction())
    if not averages_mirror:
        return predictions[0]
    return (predictions[0] + _mirrored(predictions[1], shape.width)) / 2


def _gathered_by_sequence(features: list[TensorTuple], length: int) -> list[TensorTuple]:
    """Groups frame features by sequence, (B*10, ...) → (B, 10, ...), through FRAME_FEATURES and FRAME_ROWS.

    For example, features (20, 8, 8, 4) and (20, 6) of two sequences become one tensor (20, 262), FRAME_FEATURES. With
    the rows [[0, ..., 9], [10, ..., 19]], FRAME_ROWS, the result is (2, 10, 8, 8, 4) and (2, 10, 6).
    """
    parts = [part for tensors in features for part in tensors]
    sizes = [part.shape[1:].num_elements() for part in parts]
    flat = tf.concat([tf.reshape(part, [-1, size]) for part, size in zip(parts, sizes, strict=True)], axis=1)
    flat = tf.identity(flat, name=FRAME_FEATURES)
    rows = tf.reshape(tf.range(tf.shape(flat)[0]), [-1, length], name=FRAME_ROWS)
    flat_parts = zip(tf.split(flat, sizes, axis=1), parts, strict=True)
    gathered = iter([tf.gather(tf.reshape(flat_part, [-1, *part.shape[1:]]), rows) for flat_part, part in flat_parts])
    return [tensors._make(next(gathered) for _ in tensors) for tensors in features]


def _mirrored(positions: tf.Tensor, width: int) -> tf.Tensor:
    """Positions in mirrored frames, float32 (B, 10, 7, 2) in pixels, as positions in the original frames.

    The centre of the first pixel is at 0.5, so x becomes width − x.
    """
    return tf.gather(positions, MIRRORED_JOINTS, axis=2) * (-1.0, 1.0) + (float(width), 0.0)
