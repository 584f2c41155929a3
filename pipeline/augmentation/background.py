"""Background: replaces the surroundings of the person by a strip of another sequence.

With a few dozen people in front of as many backgrounds, a network can learn the backgrounds instead. This follows
Ghiasi et al., *Simple Copy-Paste is a Strong Data Augmentation Method for Instance Segmentation*, CVPR 2021, but the
outline of the person is estimated from the joints, not annotated.
"""

from __future__ import annotations

import math

from pipeline.augmentation.body import person_masks
from pipeline.augmentation.colour import change_colours
from pipeline.tensorflow_v1 import tf

# The width of the strip, as a share of the frame. People are in the middle of most frames, so an edge shows background.
STRIP_SHARE = 18 / 64


def change_backgrounds(
    pixels: tf.Tensor, labels: tf.Tensor, uniform: tf.Tensor, colours: tf.Tensor | None = None
) -> tf.Tensor:
    """Gives half of the sequences of a batch the background of the sequence before them in the batch.

    pixels: uint8 (B, 64, 64, 3, 10), as in augment. labels: float32 (B, 10, 7, 2), x and y in pixels. uniform: float32
    (B, 3) from -1 to 1: whether the background changes, whether it is taken from the left or the right edge, and
    whether it is upside down. colours: float32 (B, NUMBERS), the random numbers for change_colours, which is applied to
    the people who get another background; None to keep their colours. Returns uint8 pixels of the same shape.
    """
    height, width = pixels.shape[1].value, pixels.shape[2].value
    batch = tf.shape(pixels)[0]
    changed = tf.cast(tf.where(uniform[:, 0] > 0)[:, 0], tf.int32)
    previous = tf.math.floormod(changed - 1, batch)
    uniform = tf.gather(uniform, changed)
    masks = person_masks(tf.gather(labels, changed), height, width)
    backs = _channels(_backgrounds(tf.gather(pixels, previous), uniform[:, 1] > 0, uniform[:, 2] > 0.5))
    fronts = _channels(tf.gather(pixels, changed))
    if colours is not None:
        colourful = change_colours(fronts, tf.gather(colours, changed))
        fronts = [tf.clip_by_value(channel, 0.0, 255.0) for channel in colourful]
    pasted = [tf.round(back + masks * (front - back)) for front, back in zip(fronts, backs, strict=True)]
    pasted = tf.stack([tf.cast(channel, tf.uint8) for channel in pasted], axis=3)
    return tf.dynamic_stitch([tf.range(batch), changed], [pixels, pasted])


def _channels(pixels: tf.Tensor) -> list[tf.Tensor]:
    """uint8 (B, 64, 64, 3, 10) → red, green and blue, float32 (B, 64, 64, 10)."""
    return [tf.cast(channel, tf.float32) for channel in tf.unstack(pixels, axis=3)]


def _backgrounds(pixels: tf.Tensor, is_left: tf.Tensor, is_upside_down: tf.Tensor) -> tf.Tensor:
    """A strip of each sequence, reflected back and forth to fill the width: pixels to the same shape.

    is_left, is_upside_down: bool (B,).
    """
    width = pixels.shape[2].value
    size = max(1, round(STRIP_SHARE * width))
    strips = tf.where(is_left, pixels[:, :, :size], tf.reverse(pixels[:, :, -size:], axis=[2]))
    strips = tf.where(is_upside_down, tf.reverse(strips, axis=[1]), strips)
    reflected = [strips, tf.reverse(strips, axis=[2])] * math.ceil(width / size / 2)
    return tf.concat(reflected, axis=2)[:, :, :width]
