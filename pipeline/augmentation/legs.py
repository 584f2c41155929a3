"""Legs: paints legs below people who are scaled down.

Most videos show people to the waist. Scaled down, they end at a blurred edge, so a network that has only seen them
takes the bare legs of people seen from head to foot for arms.
"""

from __future__ import annotations

import numpy as np

from pipeline.augmentation.body import HEAD, depths_in, half_resolution, neck_and_size, soft_masks
from pipeline.augmentation.warp import scales, source_coordinates
from pipeline.tensorflow_v1 import tf

NUMBERS = 13  # the random numbers for one sequence
LARGEST_SCALE = 0.9
# Of the random numbers from -1 to 1: those above it get legs, 60 %.
LEGS_FROM = -0.2


def draw_legs(pixels: tf.Tensor, labels: tf.Tensor, transforms: tf.Tensor, uniform: tf.Tensor) -> tf.Tensor:
    """Paints legs on most sequences that are scaled down, but only beyond the lower edge of the old frames.

    pixels: float32 (B, 64, 64, 3, 10), after the transforms. labels: float32 (B, 10, 7, 2), after them, in pixels.
    transforms: float32 (B, 2, 3). uniform: float32 (B, NUMBERS) from -1 to 1: whether to paint legs, their width, the
    lengths of thighs and shins, how far each knee and foot is to the side, three channels of the trousers, whether the
    thighs are bare, and whether the shins are. Returns pixels of the same type and shape.
    """
    height, width = pixels.shape[1].value, pixels.shape[2].value
    batch = tf.shape(pixels)[0]
    chosen = tf.cast(tf.where((scales(transforms) < LARGEST_SCALE) & (uniform[:, 0] > LEGS_FROM))[:, 0], tf.int32)
    old, labels, uniform = tf.gather(pixels, chosen), tf.gather(labels, chosen), tf.gather(uniform, chosen)
    transforms = tf.gather(transforms, chosen)
    is_bare_thigh, is_bare_shin = uniform[:, 11:12] > 0.5, uniform[:, 12:13] > 0.0
    # Without sums over frames or pixels, whose last bit depends on the number of sequences.
    person = labels[:, labels.shape[1].value // 2]
    skin, floor = _colour_at(old, person[:, HEAD]), old[:, -1, 0, :, 0]
    trousers = 127.5 * (1 + uniform[:, 8:11])
    thigh_colour = tf.where(tf.tile(is_bare_thigh, [1, 3]), skin, trousers)
    shin_colour = tf.where(tf.tile(is_bare_shin, [1, 3]), skin, thigh_colour)
    beyond = _depth_beyond_lower_edge(transforms, height, width)
    thighs, shins = (tf.minimum(part, beyond) for part in _leg_depths(person, uniform, height, width))
    depths = tf.reshape(tf.stack([beyond, thighs, shins], axis=-1), [-1, height // 2, width // 2, 3])
    masks = tf.unstack(soft_masks(depths, height, width)[:, :, :, :, tf.newaxis, tf.newaxis], axis=3)
    painted = old
    for mask, colour in zip(masks, (floor, thigh_colour, shin_colour), strict=True):
        painted += mask * (colour[:, tf.newaxis, tf.newaxis, :, tf.newaxis] - painted)
    return tf.dynamic_stitch([tf.range(batch), chosen], [pixels, painted])


def _leg_depths(person: tf.Tensor, uniform: tf.Tensor, height: int, width: int) -> list[tf.Tensor]:
    """Depths in the thighs and in the shins, float32 (B, height / 2 * width / 2) each. person: float32 (B, 7, 2)."""
    neck, size = neck_and_size(tf.unstack(person, axis=1))
    thigh, shin = size * (1.15 + 0.25 * uniform[:, 2:3]), size * (1.15 + 0.25 * uniform[:, 3:4])
    radius = size * (0.18 + 0.06 * uniform[:, 1:2])
    joints: list[tuple[tf.Tensor, ...]] = []
    for number, side in enumerate((-1.0, 1.0)):
        to_the_side = size * side * (0.2 + 0.3 * uniform[:, 4 + 2 * number : 5 + 2 * number])
        further = size * side * 0.35 * uniform[:, 5 + 2 * number : 6 + 2 * number]
        hip = neck + size * np.array([0.3 * side, 1.7], np.float32)
        knee = hip + tf.concat([to_the_side, thigh], axis=1)
        joints.append((hip, knee, knee + tf.concat([further, shin], axis=1)))
    radii = tf.stack([radius, radius], axis=1)
    corners = [tf.stack(both, axis=1) for both in zip(*joints, strict=True)]
    return [
        depths_in(start, end, radii * share, height, width)
        for start, end, share in zip(corners[:-1], corners[1:], (1.0, 0.8), strict=True)
    ]


def _depth_beyond_lower_edge(transforms: tf.Tensor, height: int, width: int) -> tf.Tensor:
    """How far pixels are beyond the lower edge of the old frame, in pixels of the new one.

    Returns float32 (B, height / 2 * width / 2).
    """
    x, y = half_resolution(height, width)
    _, source_y = source_coordinates(transforms, x, y)
    return (source_y - (height - 1)) * scales(transforms)[:, tf.newaxis]


def _colour_at(pixels: tf.Tensor, places: tf.Tensor) -> tf.Tensor:
    """The colour of each first frame at a place, float32 (B, 3). places: float32 (B, 2), x and y in pixels."""
    height, width = pixels.shape[1].value, pixels.shape[2].value
    inside = tf.clip_by_value(places, 0.0, [width - 1.0, height - 1.0])
    x, y = tf.unstack(tf.cast(inside, tf.int32), axis=1)
    return tf.gather_nd(pixels[..., 0], tf.stack([tf.range(tf.shape(pixels)[0]), y, x], axis=1))
