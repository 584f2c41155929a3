"""How far positions are from the joints: the assignment's squared error, and the distance that errors are reported in."""

from __future__ import annotations

from pipeline.tensorflow_v1 import tf

# Pixels. A distance has no gradient at zero; the square root of its square and this one's does.
SMALL_DISTANCE = 0.5


def mean_squared_error(positions, labels):
    """Of all x and y, float32 (..., 2) twice, in pixels: a float32 scalar, px²."""
    return tf.reduce_mean(tf.squared_difference(positions, labels))


def mean_distance(positions, labels):
    """How far positions are from the labels on average, float32 (..., 2) twice, in pixels: a float32 scalar, px.

    Half a pixel where they are the same, and little more than the distance where they are pixels apart.
    """
    squared = tf.reduce_sum(tf.squared_difference(positions, labels), axis=-1)
    return tf.reduce_mean(tf.sqrt(squared + SMALL_DISTANCE**2))
