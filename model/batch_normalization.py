"""Batch normalization for training, and its folding into weights and bias for the exported graph.

Ioffe & Szegedy, *Batch Normalization*, ICML 2015.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from model.layers import bare_convolution
from pipeline.tensorflow_v1 import tf

EPSILON = 1e-3
# The weight of each batch in the moving averages of mean and variance.
MOVING_SHARE = 0.02
NORMALIZATION = ("scale", "offset", "mean", "variance")

# (values, scale, offset) → the values normalized per channel, the channels' means, and their variances.
Normalize: TypeAlias = "Callable[[tf.Tensor, tf.Tensor, tf.Tensor], tuple[tf.Tensor, tf.Tensor, tf.Tensor]]"
# Called with a moving mean or variance and the value of the batch, towards which it moves.
Follow: TypeAlias = "Callable[[tf.Variable, tf.Tensor], None]"


def fused(values: tf.Tensor, scale: tf.Tensor, offset: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """A Normalize function over the given batch."""
    return tf.nn.fused_batch_norm(values, scale, offset, epsilon=EPSILON)


def move(moving: tf.Variable, of_batch: tf.Tensor) -> None:
    """A Follow function that adds an op to the graph's collection UPDATE_OPS."""
    tf.add_to_collection(tf.GraphKeys.UPDATE_OPS, moving.assign_sub(MOVING_SHARE * (moving - of_batch)))


def normalized_convolution(
    name: str,
    values: tf.Tensor,
    filters: int,
    size: int,
    stride: int = 1,
    normalize: Normalize = fused,
    follow: Follow = move,
) -> tf.Tensor:
    """A convolution with batch normalization: float32 (F, H, W, C) → (F, H / stride, W / stride, filters).

    Its weights have the same names as those of layers.convolution.
    """
    with tf.variable_scope(name):
        convolved = bare_convolution(values, filters, size, stride)
        scale = tf.get_variable("scale", [filters], initializer=tf.ones_initializer())
        offset = tf.get_variable("offset", [filters], initializer=tf.zeros_initializer())
        mean = tf.get_variable("mean", [filters], initializer=tf.zeros_initializer(), trainable=False)
        variance = tf.get_variable("variance", [filters], initializer=tf.ones_initializer(), trainable=False)
        normalized, batch_mean, batch_variance = normalize(convolved, scale, offset)
        for moving, of_batch in ((mean, batch_mean), (variance, batch_variance)):
            follow(moving, of_batch)
        return normalized


def normalized_over_parts(
    add_parts: Callable[[tf.Tensor], tf.Tensor],
    values: tf.Tensor,
    scale: tf.Tensor,
    offset: tf.Tensor,
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """A Normalize function over a whole batch of which each worker has a part (synchronized batch normalization).

    add_parts: sums a tensor over all parts; called once in the forward pass, with float64 (2C + 1,), and once in the
    backward pass, with float32 (2C,). Mean and variance, and the gradient through them, are those of the whole batch.
    Formulas of Ioffe & Szegedy; the variances are combined as in Chan, Golub & LeVeque, *Updating Formulae and a
    Pairwise Algorithm for Computing Sample Variances*, COMPSTAT 1982. The synchronized batch normalization of tf.keras
    was considered: it works only with the strategies of tf.distribute.
    """

    @tf.custom_gradient
    def normalize(values: tf.Tensor, scale: tf.Tensor, offset: tf.Tensor) -> tuple[list[tf.Tensor], Callable]:
        mean_here = tf.reduce_mean(values, axis=[0, 1, 2])
        squares_here = tf.reduce_sum(tf.squared_difference(values, mean_here), axis=[0, 1, 2])
        # In float64, because the difference of two large numbers below would lose precision in float32.
        wide_mean, wide_squares = tf.cast(mean_here, tf.float64), tf.cast(squares_here, tf.float64)
        rows = tf.cast(tf.reduce_prod(tf.shape(values)[:3]), tf.float64)[tf.newaxis]
        sums = [rows, rows * wide_mean, wide_squares + rows * tf.square(wide_mean)]
        count, total, squares = tf.split(add_parts(tf.concat(sums, axis=0)), [1, *[values.shape[3].value] * 2], axis=0)
        wide_variance = squares / count - tf.square(total / count)
        mean, variance = tf.cast(total / count, tf.float32), tf.cast(wide_variance, tf.float32)
        # As in fused_batch_norm, the moving variance follows the unbiased estimate.
        unbiased = tf.cast(wide_variance * count / tf.maximum(count - 1.0, 1.0), tf.float32)
        deviation = tf.rsqrt(variance + EPSILON)
        factor = scale * deviation

        def gradient(by_normalized: tf.Tensor, *_: tf.Tensor) -> list[tf.Tensor]:
            by_offset = tf.reduce_sum(by_normalized, axis=[0, 1, 2])
            by_scale = deviation * tf.reduce_sum(by_normalized * (values - mean), axis=[0, 1, 2])
            sums = add_parts(tf.concat([by_offset, by_scale], axis=0)) / tf.cast(count, tf.float32)
            mean_by_offset, mean_by_scale = tf.split(sums, 2, axis=0)
            slope = factor * deviation * mean_by_scale
            by_values = by_normalized * factor - values * slope + (mean * slope - factor * mean_by_offset)
            return [by_values, by_scale, by_offset]

        return [values * factor + (offset - mean * factor), mean, unbiased], gradient

    normalized, mean, variance = normalize(values, scale, offset)
    return normalized, mean, variance


def fold_normalization(weights: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Folds batch normalization into weights and bias.

    weights: the values of a network's variables by name. In the result, scale, offset, mean and variance of each layer
    are part of its weights and bias, with which layers.convolution computes what normalized_convolution would compute
    at inference. Other values are unchanged. A value that overflows becomes infinite, without a warning.
    """
    folded = {name: value for name, value in weights.items() if name.rpartition("/")[2] not in NORMALIZATION}
    for name in weights:
        layer, _, kind = name.rpartition("/")
        if kind == "scale":
            scale, offset, mean, variance = (weights[f"{layer}/{part}"] for part in NORMALIZATION)
            with np.errstate(all="ignore"):
                factor = scale / np.sqrt(variance + EPSILON)
                folded[f"{layer}/weights"] = weights[f"{layer}/weights"] * factor
                folded[f"{layer}/bias"] = offset - mean * factor
    return folded
