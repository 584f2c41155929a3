"""Losses of joint positions: the assignment's squared error, and the distance in which errors are reported."""

from __future__ import annotations

from pipeline.tensorflow_v1 import tf

# Pixels. A distance is not differentiable at zero; with the square of this one added under the square root it is.
SMALL_DISTANCE = 0.5


def mean_squared_error(positions: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
    """The mean over all x and y: positions and labels, float32 (..., 2) pixels → float32 scalar, px²."""
    return tf.reduce_mean(tf.squared_difference(positions, labels))


def mean_distance(positions: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
    """The smoothed mean distance of positions from labels, float32 (..., 2) pixels → float32 scalar, px.

    It is half a pixel where they are equal, and little more than the distance where they are pixels apart.
    """
    squared = tf.reduce_sum(tf.squared_difference(positions, labels), axis=-1)
    return tf.reduce_mean(tf.sqrt(squared + SMALL_DISTANCE**2))
