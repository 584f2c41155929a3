"""The CNN that fits soonest what it is trained on: two strided convolutions, small where the picture is large."""

from __future__ import annotations

from typing import NamedTuple

from model.layers import convolution, fully_connected
from pipeline.tensorflow_v1 import tf

NUM_FEATURES = 256


class FrameFeatures(NamedTuple):
    """What a frame shows by itself. features: float32 (F, 256)."""

    features: tf.Tensor


def strided_frame_features(values, is_training):
    """float32 (F, 64, 64, 3), normalized → FrameFeatures; is_training makes no difference here."""
    values = tf.nn.relu(convolution("convolution_1", values, filters=16, size=4, stride=4))
    values = tf.nn.relu(convolution("convolution_2", values, filters=64, size=3, stride=2))
    values = tf.reshape(values, [-1, values.shape[1].value * values.shape[2].value * values.shape[3].value])
    return FrameFeatures(tf.nn.relu(fully_connected("fully_connected", values, NUM_FEATURES)))


def strided_sequence_features(frames, is_training):
    """FrameFeatures of sequences, (B, 10, 256) → the same as (B*10, 256), and None, for it gives no points."""
    return tf.reshape(frames.features, [-1, NUM_FEATURES]), None
