"""The course's normalization of frames, as ops that follow the uint8 frames in the training and the exported graph."""

from __future__ import annotations

from pipeline.tensorflow_v1 import tf

# The smallest standard deviation above zero of a 64×64×3 frame of uint8 is 0.009, that of equal values of which one
# differs by one. Dividing by no less than half of it changes no other frame, and gives zeros for equal values.
SMALLEST_DEVIATION = 0.0045


def normalize_frames(frames: tf.Tensor) -> tf.Tensor:
    """Subtracts each frame's mean and divides by its population standard deviation, over height, width and channels.

    frames: uint8 (F, 64, 64, 3). Returns float32 (F, 64, 64, 3); zeros for a frame in which all values are equal.
    The formula is the assignment's: (x - mean) / sqrt(mean((x - mean)²)).
    """
    values = tf.cast(frames, tf.float32)
    centred = values - tf.reduce_mean(values, axis=[1, 2, 3], keepdims=True)
    variance = tf.reduce_mean(tf.square(centred), axis=[1, 2, 3], keepdims=True)
    return centred / tf.maximum(tf.sqrt(variance), SMALLEST_DEVIATION)
