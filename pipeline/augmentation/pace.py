"""Pace: half of a sequence's frames, consecutive or every other one, so that movements are seen at two speeds.

Neighbouring frames look alike, so half of them teach a CNN nearly as much in half the time.
"""

from __future__ import annotations

import numpy as np

from pipeline.tensorflow_v1 import tf


def half_of_frames(frames: tf.Tensor, labels: tf.Tensor, uniform: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Five of a sequence's ten frames, and their labels: (B, 10, ...) to (B, 5, ...), rounded up for odd lengths.

    uniform: float32 (B, 2) from -1 to 1. The first number chooses every other frame if it is positive, the second
    chooses the first frame.
    """
    length = frames.shape[1].value
    chosen = (length + 1) // 2
    pace = 1 + tf.cast(uniform[:, 0] > 0, tf.float32)
    starts = length - pace * (chosen - 1)
    first = tf.minimum(tf.floor((uniform[:, 1] + 1) / 2 * starts), starts - 1)
    slots = tf.cast(first[:, None] + pace[:, None] * np.arange(chosen, dtype=np.float32), tf.int32)
    return tf.gather(frames, slots, batch_dims=1), tf.gather(labels, slots, batch_dims=1)
