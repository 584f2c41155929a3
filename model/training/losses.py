"""Losses of joint positions: the assignment's squared error, and the distance in which errors are reported."""

from __future__ import annotations

from pipeline.tensorflow_v1 import tf

# Pixels. A distance is not differentiable at zero; with the square of this one added under the square root it is.
SMALL_DISTANCE = 0.5


def mean_squared_error(positions: tf.Tensor, labels: tf.Tensor, total: tf.Tensor | None = None) -> tf.Tensor:
    """The mean over all x and y: positions and labels, float32 (..., 2) pixels → float32 scalar, px².

    total: where these are some of a batch of so many sequences, what they add to the mean over that batch; they may be
    none.
    """
    return _mean(tf.squared_difference(positions, labels), total)


def mean_distance(positions: tf.Tensor, labels: tf.Tensor, total: tf.Tensor | None = None) -> tf.Tensor:
    """The smoothed mean distance of positions from labels, float32 (..., 2) pixels → float32 scalar, px.

    It is half a pixel where they are equal, and little more than the distance where they are pixels apart. total: as
    for mean_squared_error.
    """
    squared = tf.reduce_sum(tf.squared_difference(positions, labels), axis=-1)
    return _mean(tf.sqrt(squared + SMALL_DISTANCE**2), total)


def _mean(values: tf.Tensor, total: tf.Tensor | None) -> tf.Tensor:
    if total is None:
        return tf.reduce_mean(values)
    return tf.reduce_sum(values) / (tf.cast(total, tf.float32) * values.shape[1:].num_elements())
