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

# Called with a moving mean or variance and the value of the batch, towards which it moves.
Follow: TypeAlias = "Callable[[tf.Variable, tf.Tensor], None]"


def move(moving: tf.Variable, of_batch: tf.Tensor) -> None:
    """A Follow function that adds an op to the graph's collection UPDATE_OPS."""
    tf.add_to_collection(tf.GraphKeys.UPDATE_OPS, moving.assign_sub(MOVING_SHARE * (moving - of_batch)))


def normalized_convolution(
    name: str,
    values: tf.Tensor,
    filters: int,
    size: int,
    stride: int = 1,
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
        normalized, batch_mean, batch_variance = tf.nn.fused_batch_norm(convolved, scale, offset, epsilon=EPSILON)
        for moving, of_batch in ((mean, batch_mean), (variance, batch_variance)):
            follow(moving, of_batch)
        return normalized


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
