"""The CNN that fits its training data soonest: two strided convolutions, with few filters at high resolution."""

from __future__ import annotations

from typing import NamedTuple

from model.layers import Convolution, convolution, fully_connected
from pipeline.tensorflow_v1 import tf

NUM_FEATURES = 256


class FrameFeatures(NamedTuple):
    """What a frame shows alone. features: float32 (F, 256)."""

    features: tf.Tensor


def see_frames(values: tf.Tensor, convolve: Convolution) -> FrameFeatures:
    """Normalized frames, float32 (F, 64, 64, 3) → FrameFeatures. convolve is not used."""
    values = tf.nn.relu(convolution("convolution_1", values, filters=16, size=4, stride=4))
    values = tf.nn.relu(convolution("convolution_2", values, filters=64, size=3, stride=2))
    values = tf.reshape(values, [-1, values.shape[1].value * values.shape[2].value * values.shape[3].value])
    return FrameFeatures(tf.nn.relu(fully_connected("fully_connected", values, NUM_FEATURES)))


def see_sequences(frames: FrameFeatures, convolve: Convolution) -> tuple[tf.Tensor, None]:
    """FrameFeatures of sequences, float32 (B, 10, 256) → the same as (B*10, 256), and None: it finds no points."""
    return tf.reshape(frames.features, [-1, NUM_FEATURES]), None
