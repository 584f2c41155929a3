"""Losses of joint positions: the assignment's mean squared error, and the mean distance."""

from __future__ import annotations

from pipeline.tensorflow_v1 import tf

# Pixels. Its square is added under the square root, without which a distance is not differentiable at zero.
SMALL_DISTANCE = 0.5


def mean_squared_error(positions: tf.Tensor, labels: tf.Tensor, total: tf.Tensor | None = None) -> tf.Tensor:
    """The mean over all x and y: positions and labels, float32 (..., 2) pixels → float32 scalar, px².

    total: the number of sequences of the whole batch, if these are only some of them or none; the result is then their
    share of the mean over the whole batch.
    """
    return _mean(tf.squared_difference(positions, labels), total)


def mean_distance(positions: tf.Tensor, labels: tf.Tensor, total: tf.Tensor | None = None) -> tf.Tensor:
    """The smoothed mean distance of positions from labels, float32 (..., 2) pixels → float32 scalar, px.

    It is half a pixel if they are equal, and slightly more than the distance if they are pixels apart. total: as for
    mean_squared_error.
    """
    squared = tf.reduce_sum(tf.squared_difference(positions, labels), axis=-1)
    return _mean(tf.sqrt(squared + SMALL_DISTANCE**2), total)


def _mean(values: tf.Tensor, total: tf.Tensor | None) -> tf.Tensor:
    if total is None:
        return tf.reduce_mean(values)
    return tf.reduce_sum(values) / (tf.cast(total, tf.float32) * values.shape[1:].num_elements())
