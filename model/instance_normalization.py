"""Instance normalization: each frame's maps by themselves, so that one person's colours look like another's.

Ulyanov et al., *Instance Normalization: The Missing Ingredient for Fast Stylization*, arXiv:1607.08022; that it helps
where what is seen later looks otherwise: Pan et al., *Two at Once: Enhancing Learning and Generalization Capacities via
IBN-Net*, ECCV 2018.
"""

from __future__ import annotations

from model.layers import bare_convolution
from pipeline.tensorflow_v1 import tf

EPSILON = 1e-3


def instance_normalized_convolution(name, values, filters, size, stride=1):
    """float32 (F, H, W, C) → (F, H / stride, W / stride, filters), each frame's each map of mean 0 and deviation 1, then
    times a gain and plus a bias that are learned. The same in training and after it.
    """
    with tf.variable_scope(name):
        gain = tf.get_variable("gain", [filters], initializer=tf.ones_initializer())
        bias = tf.get_variable("bias", [filters], initializer=tf.zeros_initializer())
        convolved = bare_convolution(values, filters, size, stride)
        centred = convolved - tf.reduce_mean(convolved, axis=[1, 2], keepdims=True)
        variance = tf.reduce_mean(tf.square(centred), axis=[1, 2], keepdims=True)
        return centred * (tf.rsqrt(variance + EPSILON) * gain) + bias
