"""Background: replaces the surroundings of the person by a strip of another sequence.

With a few dozen people in front of as many backgrounds, a network can learn the backgrounds instead. This follows
Ghiasi et al., *Simple Copy-Paste is a Strong Data Augmentation Method for Instance Segmentation*, CVPR 2021, but the
outline of the person is estimated from the joints, not annotated.
"""

from __future__ import annotations

import math

import numpy as np

from pipeline.augmentation.colour import change_colours
from pipeline.joints import JOINT_NAMES
from pipeline.tensorflow_v1 import tf

# The width of the strip, as a share of the frame. People are in the middle of most frames, so an edge shows background.
STRIP_SHARE = 18 / 64
# The width in pixels over which the mask decreases from one to zero at the person's outline.
SOFT_EDGE = 2.5
DOWN = (0.0, 1.0)

HEAD, RIGHT_WRIST, LEFT_WRIST, RIGHT_ELBOW, LEFT_ELBOW, RIGHT_SHOULDER, LEFT_SHOULDER = range(len(JOINT_NAMES))


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


def person_masks(labels: tf.Tensor, height: int, width: int) -> tf.Tensor:
    """Masks of the person, estimated from the joints: float32 (B, height, width, 10), 1 inside and 0 outside.

    labels: float32 (B, 10, 7, 2), x and y in pixels. height, width: of the frames, even numbers of pixels. A body is
    the union of parts. A part is the set of all points within some distance of a line segment. The body is assumed to
    be upright, and its size is estimated from shoulders and head.
    """
    starts, ends, radii = _body_parts(tf.reshape(labels, [-1, len(JOINT_NAMES), 2]))
    y, x = (np.mgrid[: height // 2, : width // 2].reshape(2, -1) * 2 + 1).astype(np.float32)
    along = ends - starts
    from_start_x, from_start_y = x - starts[:, :, :1], y - starts[:, :, 1:]
    share = (from_start_x * along[:, :, :1] + from_start_y * along[:, :, 1:]) / _squared_length(along, smallest=1e-3)
    share = tf.clip_by_value(share, 0.0, 1.0)
    squared = tf.square(from_start_x - share * along[:, :, :1]) + tf.square(from_start_y - share * along[:, :, 1:])
    depths = tf.reduce_max(radii - tf.sqrt(squared), axis=1)
    # Half the resolution takes a quarter of the time. An outline estimated from seven points is no more precise anyway.
    depths = tf.transpose(tf.reshape(depths, [-1, labels.shape[1].value, height // 2, width // 2]), [0, 2, 3, 1])
    depths = tf.image.resize_bilinear(depths, [height, width], half_pixel_centers=True)
    return tf.clip_by_value(depths / SOFT_EDGE + 0.8, 0.0, 1.0)


def _body_parts(joints: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """The parts of bodies. joints: float32 (F, 7, 2), in pixels.

    Returns both ends of the line segments, float32 (F, P, 2) each, and the radii around them, (F, P, 1).
    """
    joint = tf.unstack(joints, axis=1)
    neck = (joint[RIGHT_SHOULDER] + joint[LEFT_SHOULDER]) / 2
    shoulders = tf.sqrt(_squared_length(joint[RIGHT_SHOULDER] - joint[LEFT_SHOULDER], smallest=1e-3))
    # In a side view, the shoulders are close together, and only the head shows the size.
    size = tf.maximum(shoulders, 0.9 * tf.sqrt(_squared_length(joint[HEAD] - neck, smallest=1e-3)))
    down = size * DOWN
    parts = [(joint[HEAD] - 0.12 * down, joint[HEAD], 0.42), (joint[HEAD], neck, 0.3)]
    hips = []
    for shoulder, elbow, wrist in (
        (RIGHT_SHOULDER, RIGHT_ELBOW, RIGHT_WRIST),
        (LEFT_SHOULDER, LEFT_ELBOW, LEFT_WRIST),
    ):
        shoulder, elbow, wrist = joint[shoulder], joint[elbow], joint[wrist]
        hip = neck + 0.8 * (shoulder - neck) + 1.7 * down
        parts += [(shoulder, elbow, 0.26), (elbow, wrist, 0.24), (wrist, wrist + 0.3 * (wrist - elbow), 0.28)]
        parts += [(shoulder, hip, 0.34), (hip, hip + 2.5 * down, 0.32)]
        hips.append(hip)
    parts.append((neck, (hips[0] + hips[1]) / 2, 0.4))
    starts, ends, radii = zip(*parts, strict=True)
    return tf.stack(starts, axis=1), tf.stack(ends, axis=1), size[:, None] * np.array(radii, np.float32)[:, None]


def _squared_length(vectors: tf.Tensor, smallest: float) -> tf.Tensor:
    return tf.maximum(tf.reduce_sum(tf.square(vectors), axis=-1, keepdims=True), smallest)
