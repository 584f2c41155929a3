"""The CNN that fits its training frames fastest: two strided convolutions, with few filters at high resolution."""

from __future__ import annotations

from typing import NamedTuple

from model.layers import Convolution, convolution, fully_connected
from pipeline.tensorflow_v1 import tf

NUM_FEATURES = 256


class FrameFeatures(NamedTuple):
    features: tf.Tensor  # float32 (F, 256)


def frame_features(frames: tf.Tensor, convolve: Convolution) -> FrameFeatures:
    """Normalized frames, float32 (F, 64, 64, 3) → FrameFeatures. `convolve` is unused: no batch normalization."""
    values = tf.nn.relu(convolution("convolution_1", frames, filters=16, size=4, stride=4))
    values = tf.nn.relu(convolution("convolution_2", values, filters=64, size=3, stride=2))
    values = tf.reshape(values, [-1, values.shape[1].value * values.shape[2].value * values.shape[3].value])
    return FrameFeatures(tf.nn.relu(fully_connected("fully_connected", values, NUM_FEATURES)))


def sequence_features(features: FrameFeatures, convolve: Convolution) -> tuple[tf.Tensor, None]:
    """Features of sequences, float32 (B, 10, 256) → the LSTM's input, (B*10, 256), and None: it has no points."""
    return tf.reshape(features.features, [-1, NUM_FEATURES]), None
