"""The layers of the networks. Each creates its variables in a variable scope with the given name."""

from __future__ import annotations

import zlib
from typing import Protocol

import numpy as np

from pipeline.tensorflow_v1 import tf

EPSILON = 1e-3


class Convolution(Protocol):
    """The interface of `convolution` and of batch_normalization.normalized_convolution."""

    def __call__(self, name: str, values: tf.Tensor, filters: int, size: int, stride: int = 1) -> tf.Tensor: ...


def seed_of(variable: str) -> int:
    """A seed for the initial value of this variable of the current variable scope.

    Without one, TensorFlow derives it from the number of ops created before, which depends on how steps are shared.
    """
    return zlib.crc32(f"{tf.get_variable_scope().name}/{variable}".encode()) % 2**31


def _weights(shape: list[int]) -> tf.Variable:
    return tf.get_variable("weights", shape, initializer=tf.initializers.he_normal(seed_of("weights")))


def convolution(name: str, values: tf.Tensor, filters: int, size: int, stride: int = 1) -> tf.Tensor:
    """float32 (F, H, W, C) → (F, H / stride, W / stride, filters), with a bias and without an activation."""
    with tf.variable_scope(name):
        bias = tf.get_variable("bias", [filters], initializer=tf.zeros_initializer())
        return tf.nn.bias_add(bare_convolution(values, filters, size, stride), bias)


def bare_convolution(values: tf.Tensor, filters: int, size: int, stride: int = 1) -> tf.Tensor:
    """The same without a bias, in the current variable scope."""
    shape = [size, size, values.shape[3].value, filters]
    return tf.nn.conv2d(values, _weights(shape), strides=[1, stride, stride, 1], padding="SAME")


def instance_normalized_convolution(
    name: str, values: tf.Tensor, filters: int, size: int, stride: int = 1
) -> tf.Tensor:
    """A convolution with instance normalization: float32 (F, H, W, C) → (F, H / stride, W / stride, filters).

    Scales each channel of each frame to mean 0 and standard deviation 1, which evens out people's colours, then applies
    a learned gain and bias. It is the same in training and inference. Ulyanov et al., *Instance Normalization: The
    Missing Ingredient for Fast Stylization*, arXiv:1607.08022; for the generalization to other appearances Pan et al.,
    *Two at Once: Enhancing Learning and Generalization Capacities via IBN-Net*, ECCV 2018. TensorFlow 1 had it as
    tf.contrib.layers.instance_norm; TensorFlow 2 dropped tf.contrib.
    """
    with tf.variable_scope(name):
        gain = tf.get_variable("gain", [filters], initializer=tf.ones_initializer())
        bias = tf.get_variable("bias", [filters], initializer=tf.zeros_initializer())
        convolved = bare_convolution(values, filters, size, stride)
        centred = convolved - tf.reduce_mean(convolved, axis=[1, 2], keepdims=True)
        variance = tf.reduce_mean(tf.square(centred), axis=[1, 2], keepdims=True)
        return centred * (tf.rsqrt(variance + EPSILON) * gain) + bias


def fully_connected(name: str, values: tf.Tensor, units: int) -> tf.Tensor:
    """float32 (F, C) → (F, units), with a bias and without an activation."""
    with tf.variable_scope(name):
        weights = _weights([values.shape[1].value, units])
        bias = tf.get_variable("bias", [units], initializer=tf.zeros_initializer())
        return tf.nn.bias_add(tf.matmul(values, weights), bias)


def linear_maps(name: str, values: tf.Tensor, number: int) -> tf.Tensor:
    """A 1×1 convolution to K channels without a bias: float32 (F, H, W, C) → (F, K, H*W), as soft_argmax needs it."""
    height, width, channels = values.shape[1].value, values.shape[2].value, values.shape[3].value
    with tf.variable_scope(name):
        weights = _weights([channels, number])
    flat = tf.reshape(values, [-1, height * width, channels])
    return tf.matmul(tf.transpose(weights)[tf.newaxis], flat, transpose_b=True)


def soft_argmax(maps: tf.Tensor, height: int, width: int) -> tf.Tensor:
    """The mean position under the softmax of each of K maps: float32 (F, K, height * width) → (F, K, 2).

    Positions are x and y, from -1 to 1 across the frame. Levine et al., *End-to-End Training of Deep Visuomotor
    Policies*, JMLR 2016; Nibali et al., *Numerical Coordinate Regression with Convolutional Neural Networks*,
    arXiv:1801.07372. TensorFlow 1 had it as tf.contrib.layers.spatial_softmax; TensorFlow 2 dropped tf.contrib.
    """
    number = maps.shape[1].value
    shares = tf.nn.softmax(tf.reshape(maps, [-1, height * width]))
    positions = [[(2 * x + 1) / width - 1, (2 * y + 1) / height - 1] for y in range(height) for x in range(width)]
    # A product with two long rows takes two thirds of the time of one with many rows of two.
    means = tf.matmul(tf.constant(np.transpose(positions), tf.float32), shares, transpose_b=True)
    return tf.transpose(tf.reshape(means, [2, -1, number]), [1, 2, 0])
