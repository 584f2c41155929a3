"""Colour: another gain and another offset for each channel of a sequence."""

from __future__ import annotations

from pipeline.tensorflow_v1 import tf

LARGEST_GAIN = 0.25
LARGEST_OFFSET = 16.0


def change_colours(frames: tf.Tensor, uniform: tf.Tensor) -> tf.Tensor:
    """Frames with other colours, float32 (B, 10, 64, 64, 3), not clipped to 0 to 255.

    frames: of the same type and shape. uniform: float32 (B, 6) from -1 to 1, three gains and three offsets.
    """
    gain = 1 + LARGEST_GAIN * uniform[:, None, None, None, :3]
    return frames * gain + LARGEST_OFFSET * uniform[:, None, None, None, 3:]
