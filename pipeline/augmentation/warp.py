"""Mirror, scale, rotation and shift: one affine transform for each sequence, of its pixels and its joints."""

from __future__ import annotations

import math

import numpy as np

from pipeline.joints import MIRRORED_JOINTS
from pipeline.tensorflow_v1 import tf

# People fill the frame in some videos and a third of its height in others, and a training set has few of each.
SMALLEST_SCALE = 0.5
LARGEST_SCALE = 1.35
LARGEST_STRETCH = 1.1
LARGEST_ROTATION = math.radians(9)
# As a share of the width or the height: 10 px of 64.
LARGEST_SHIFT = 10 / 64


def random_transforms(
    mirror: tf.Tensor, scale: tf.Tensor, rotation: tf.Tensor, shift: tf.Tensor, height: int, width: int
) -> tf.Tensor:
    """Affine transforms about the middle of the frame: float32 (B, 2, 3), see warp_labels.

    mirror, rotation: float32 (B, 1) from -1 to 1; the frame is mirrored if `mirror` is positive. scale: (B, 2), for the
    size and for the ratio of the axes. shift: (B, 2), to the right and down. Zeros give the identity. height, width: of
    the frames, in pixels.
    """
    mirror, rotation = mirror[:, 0], rotation[:, 0]
    size, stretch = tf.unstack(scale, axis=1)
    shift_x, shift_y = tf.unstack(shift, axis=1)
    side = tf.where(mirror > 0, -tf.ones_like(mirror), tf.ones_like(mirror))
    size = tf.exp(tf.where(size > 0, size * math.log(LARGEST_SCALE), -size * math.log(SMALLEST_SCALE)))
    stretch = tf.exp(stretch * math.log(LARGEST_STRETCH))
    angle = rotation * LARGEST_ROTATION
    a, b = side * size * stretch * tf.cos(angle), -size / stretch * tf.sin(angle)
    c, d = side * size * stretch * tf.sin(angle), size / stretch * tf.cos(angle)
    x, y = width / 2, height / 2
    offset_x = x + LARGEST_SHIFT * width * shift_x - a * x - b * y
    offset_y = y + LARGEST_SHIFT * height * shift_y - c * x - d * y
    return tf.reshape(tf.stack([a, b, offset_x, c, d, offset_y], axis=-1), [-1, 2, 3])


def warp_labels(labels: tf.Tensor, transforms: tf.Tensor) -> tf.Tensor:
    """The joints after the transforms: float32 (B, 10, 7, 2), x and y in pixels, to the same.

    transforms: float32 (B, 2, 3); a point (x, y) of the old frame moves to transforms @ (x, y, 1). If a transform
    mirrors, which means that its determinant is negative, right and left joints exchange rows.
    """
    a, b, shift_x, c, d, shift_y = tf.unstack(tf.reshape(transforms, [-1, 6, 1, 1]), axis=1)
    x, y = tf.unstack(labels, axis=-1)
    moved = tf.stack([a * x + b * y + shift_x, c * x + d * y + shift_y], axis=-1)
    shape = tf.shape(labels)
    mirrors = tf.broadcast_to((_determinants(transforms) < 0)[:, None, None, None], shape)
    return tf.where(mirrors, tf.gather(moved, MIRRORED_JOINTS, axis=2), moved)


def warp_pixels(pixels: tf.Tensor, transforms: tf.Tensor) -> tf.Tensor:
    """The pixels after the transforms: uint8 (B, 64, 64, 3, 10), as in augment, to float32 of the same shape.

    Pixels move as joints do in warp_labels. Interpolation is bilinear between the centres of pixels, which are at
    (0.5, 0.5), (1.5, 0.5) and so on.
    """
    shape = tf.shape(pixels)
    height, width = pixels.shape[1].value, pixels.shape[2].value
    y, x = np.divmod(np.arange(height * width, dtype=np.float32), width)
    x, y = source_coordinates(transforms, x + 0.5, y + 0.5)
    x, y = tf.clip_by_value(x, 0.0, width - 1.0), tf.clip_by_value(y, 0.0, height - 1.0)
    left, top = tf.minimum(tf.floor(x), width - 2.0), tf.minimum(tf.floor(y), height - 2.0)
    right_share, bottom_share = tf.reshape(x - left, [-1, 1]), tf.reshape(y - top, [-1, 1])
    # A row holds the same pixel of all frames of a sequence, so that one gather moves it in all ten frames.
    rows = tf.reshape(pixels, [-1, shape[3] * shape[4]])
    first = tf.cast(top * width + left, tf.int32) + tf.range(shape[0])[:, None] * (height * width)
    first = tf.reshape(first, [-1])

    def row_of(step: int) -> tf.Tensor:
        return tf.cast(tf.gather(rows, first + step), tf.float32)

    upper = row_of(0) * (1 - right_share) + row_of(1) * right_share
    lower = row_of(width) * (1 - right_share) + row_of(width + 1) * right_share
    return tf.reshape(upper * (1 - bottom_share) + lower * bottom_share, shape)


def source_coordinates(transforms: tf.Tensor, x: np.ndarray, y: np.ndarray) -> tuple[tf.Tensor, tf.Tensor]:
    """Where points of the new frame were in the old one, in pixels from the centre of its first pixel: float32 (B, N).

    x, y: float32 (N,), in pixels from the corner of the frame.
    """
    a, b, shift_x, c, d, shift_y = tf.unstack(tf.reshape(transforms, [-1, 6, 1]), axis=1)
    x, y = x - shift_x, y - shift_y
    determinant = _determinants(transforms)[:, None]
    return (d * x - b * y) / determinant - 0.5, (a * y - c * x) / determinant - 0.5


def scales(transforms: tf.Tensor) -> tf.Tensor:
    """How many times as large each transform makes a person, float32 (B,)."""
    return tf.sqrt(tf.abs(_determinants(transforms)))


def _determinants(transforms: tf.Tensor) -> tf.Tensor:
    return transforms[:, 0, 0] * transforms[:, 1, 1] - transforms[:, 0, 1] * transforms[:, 1, 0]
