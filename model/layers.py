"""The layers that the networks are made of; each keeps its variables in a scope of the name that it is given."""

from __future__ import annotations

import numpy as np

from pipeline.tensorflow_v1 import tf


def convolution(name, values, filters, size, stride=1):
    """float32 (F, H, W, C) → (F, H / stride, W / stride, filters), with a bias and no activation."""
    with tf.variable_scope(name):
        bias = tf.get_variable("bias", [filters], initializer=tf.zeros_initializer())
        return tf.nn.bias_add(bare_convolution(values, filters, size, stride), bias)


def bare_convolution(values, filters, size, stride=1):
    """The same without the bias, in the scope that is open."""
    shape = [size, size, values.shape[3].value, filters]
    weights = tf.get_variable("weights", shape, initializer=tf.initializers.he_normal())
    return tf.nn.conv2d(values, weights, strides=[1, stride, stride, 1], padding="SAME")


def fully_connected(name, values, units):
    """float32 (F, C) → (F, units), with a bias and no activation."""
    with tf.variable_scope(name):
        weights = tf.get_variable("weights", [values.shape[1].value, units], initializer=tf.initializers.he_normal())
        bias = tf.get_variable("bias", [units], initializer=tf.zeros_initializer())
        return tf.nn.bias_add(tf.matmul(values, weights), bias)


def linear_maps(name, values, number):
    """K maps, each a linear function of what is at a place: float32 (F, H, W, C) → (F, K, H*W), without a bias.

    A 1×1 convolution whose maps lie one after the other, as soft_argmax reads them.
    """
    height, width, channels = values.shape[1].value, values.shape[2].value, values.shape[3].value
    with tf.variable_scope(name):
        weights = tf.get_variable("weights", [channels, number], initializer=tf.initializers.he_normal())
    places = tf.reshape(values, [-1, height * width, channels])
    return tf.matmul(tf.transpose(weights)[tf.newaxis], places, transpose_b=True)


def soft_argmax(maps, height, width):
    """Where each of K maps is high: float32 (F, K, height * width) → (F, K, 2), x and y, -1 to 1 from edge to edge.

    The mean position under the softmax of a map: Levine et al., *End-to-End Training of Deep Visuomotor Policies*, JMLR
    2016, and Nibali et al., *Numerical Coordinate Regression with Convolutional Neural Networks*, arXiv:1801.07372.
    """
    number = maps.shape[1].value
    shares = tf.nn.softmax(tf.reshape(maps, [-1, height * width]))
    positions = [[(2 * x + 1) / width - 1, (2 * y + 1) / height - 1] for y in range(height) for x in range(width)]
    # Two long rows take two thirds of the time that many rows of two take.
    means = tf.matmul(tf.constant(np.transpose(positions), tf.float32), shares, transpose_b=True)
    return tf.transpose(tf.reshape(means, [2, -1, number]), [1, 2, 0])
