"""The course's normalization of frames, the first ops of both graphs: that for training and the exported one."""

from __future__ import annotations

from pipeline.tensorflow_v1 import tf

# The smallest positive standard deviation of a 64×64×3 frame of uint8 is 0.009, if one value differs by one from all
# others. A lower limit of half of that changes no such frame, and gives zeros instead of NaN if all values are equal.
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
