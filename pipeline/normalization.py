"""The course's normalization, as ops behind the uint8 frames of both the training graph and the exported one."""

from __future__ import annotations

from pipeline.tensorflow_v1 import tf

# The standard deviation of a 64×64×3 frame of one colour but for a single value that differs by one is 0.009; nothing
# that uint8 can hold lies between that and zero. Dividing by no less than half of it gives zeros for one colour.
SMALLEST_DEVIATION = 0.0045


def normalize_frames(frames):
    """Subtracts each frame's mean and divides by its population standard deviation, over height, width and channel.

    frames: uint8 tensor (F, 64, 64, 3). Returns float32 (F, 64, 64, 3); zeros for a frame of one colour.
    The formula is the assignment's: (x - mean) / sqrt(mean((x - mean)²)).
    """
    values = tf.cast(frames, tf.float32)
    centred = values - tf.reduce_mean(values, axis=[1, 2, 3], keepdims=True)
    variance = tf.reduce_mean(tf.square(centred), axis=[1, 2, 3], keepdims=True)
    return centred / tf.maximum(tf.sqrt(variance), SMALLEST_DEVIATION)
