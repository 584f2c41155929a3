"""Batch normalization for training, and folding it into weights and bias for the export.

Ioffe & Szegedy, *Batch Normalization*, ICML 2015.
"""

from __future__ import annotations

import numpy as np

from model.layers import bare_convolution
from pipeline.tensorflow_v1 import tf

EPSILON = 1e-3
# The weight of each batch in the moving averages of mean and variance.
MOVING_SHARE = 0.02
NORMALIZATION = ("scale", "offset", "mean", "variance")


def normalized_convolution(name: str, values: tf.Tensor, filters: int, size: int, stride: int = 1) -> tf.Tensor:
    """A convolution with batch normalization: float32 (F, H, W, C) → (F, H / stride, W / stride, filters).

    Its weights have the same name as those of layers.convolution. The ops that update the moving mean and variance are
    in the graph's collection UPDATE_OPS.
    """
    with tf.variable_scope(name):
        convolved = bare_convolution(values, filters, size, stride)
        scale = tf.get_variable("scale", [filters], initializer=tf.ones_initializer())
        offset = tf.get_variable("offset", [filters], initializer=tf.zeros_initializer())
        mean = tf.get_variable("mean", [filters], initializer=tf.zeros_initializer(), trainable=False)
        variance = tf.get_variable("variance", [filters], initializer=tf.ones_initializer(), trainable=False)
        normalized, batch_mean, batch_variance = tf.nn.fused_batch_norm(convolved, scale, offset, epsilon=EPSILON)
        for moving, of_batch in ((mean, batch_mean), (variance, batch_variance)):
            moved = moving.assign_sub(MOVING_SHARE * (moving - of_batch))
            tf.add_to_collection(tf.GraphKeys.UPDATE_OPS, moved)
        return normalized


def fold_normalization(weights: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Folds batch normalization into weights and bias.

    weights: the values of a network's variables by name. Returns the values with which layers.convolution computes what
    normalized_convolution does at inference: scale, offset, mean and variance of a layer become part of its weights and
    its bias; all other values stay. A value that overflows becomes infinite, without a warning.
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
