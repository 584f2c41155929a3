"""Instance normalization: each channel of each frame is normalized by itself, which evens out people's colours.

Ulyanov et al., *Instance Normalization: The Missing Ingredient for Fast Stylization*, arXiv:1607.08022. That it
improves generalization to pictures of another appearance: Pan et al., *Two at Once: Enhancing Learning and
Generalization Capacities via IBN-Net*, ECCV 2018.
"""

from __future__ import annotations

from model.layers import bare_convolution
from pipeline.tensorflow_v1 import tf

EPSILON = 1e-3


def instance_normalized_convolution(
    name: str, values: tf.Tensor, filters: int, size: int, stride: int = 1
) -> tf.Tensor:
    """A convolution with instance normalization: float32 (F, H, W, C) → (F, H / stride, W / stride, filters).

    Each channel of each frame is scaled to mean 0 and standard deviation 1, then a learned gain and bias are applied.
    Training and inference compute the same. TensorFlow 1 has it as tf.contrib.layers.instance_norm, which TensorFlow 2
    dropped with the rest of tf.contrib.
    """
    with tf.variable_scope(name):
        gain = tf.get_variable("gain", [filters], initializer=tf.ones_initializer())
        bias = tf.get_variable("bias", [filters], initializer=tf.zeros_initializer())
        convolved = bare_convolution(values, filters, size, stride)
        centred = convolved - tf.reduce_mean(convolved, axis=[1, 2], keepdims=True)
        variance = tf.reduce_mean(tf.square(centred), axis=[1, 2], keepdims=True)
        return centred * (tf.rsqrt(variance + EPSILON) * gain) + bias
