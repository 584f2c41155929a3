"""Losses of joint positions: the assignment's mean squared error, the mean distance, and the same of limbs."""

from __future__ import annotations

from pipeline.joints import JOINT_NAMES, LIMBS
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


def mean_limb_distance(positions: tf.Tensor, labels: tf.Tensor, total: tf.Tensor | None = None) -> tf.Tensor:
    """mean_distance of the limbs, each from its first to its second joint: it also knows which joints belong together.

    positions, labels: float32 (B, 10, 7, 2) pixels. Sun et al., *Compositional Human Pose Regression*, ICCV 2017.
    """
    return mean_distance(_limbs(positions), _limbs(labels), total)


def _limbs(positions: tf.Tensor) -> tf.Tensor:
    """float32 (B, 10, 7, 2) → the vector of each of LIMBS, (B, 10, 7, 2)."""
    first, second = ([JOINT_NAMES.index(limb[end]) for limb in LIMBS] for end in (0, 1))
    return tf.gather(positions, second, axis=2) - tf.gather(positions, first, axis=2)


def _mean(values: tf.Tensor, total: tf.Tensor | None) -> tf.Tensor:
    if total is None:
        return tf.reduce_mean(values)
    return tf.reduce_sum(values) / (tf.cast(total, tf.float32) * values.shape[1:].num_elements())
