"""Augmentation: each sequence of a batch mirrored, scaled, turned, shifted, coloured and put before another background
at random, labels with it.

TensorFlow ops on the uint8 frames, which run in the data set, beside training. All frames of a sequence change in the
same way, so that a movement stays one. What is drawn is a function of the run's seed and the step's number alone.

Brightness and contrast are not among them: the normalization behind the frames takes both out again.

No op here multiplies matrices or convolves: what those give in their last bit depends on the processor and on where memory
lies, and a resumed run must see the very batches that an uninterrupted one sees.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from pipeline.augmentation.background import change_backgrounds
from pipeline.augmentation.kinds import KINDS
from pipeline.joints import MIRRORED_JOINTS
from pipeline.tensorflow_v1 import tf

DRAWN = ("mirror", "scale", "scale", "rotation", "shift", "shift")
DRAWN_FOR_COLOUR = 6
DRAWN_FOR_BACKGROUND = 3
DRAWN_FOR_PACE = 2

# People fill the frame in some videos and are a third of its height in others, and a training set has few of each.
SMALLEST_SCALE = 0.5
LARGEST_SCALE = 1.35
LARGEST_STRETCH = 1.1
LARGEST_ROTATION = math.radians(9)
# Of the width or the height: 10 px of 64.
LARGEST_SHIFT = 10 / 64
LARGEST_GAIN = 0.25
LARGEST_OFFSET = 16.0


class Augmentation(NamedTuple):
    """Which of KINDS, from which seed, an int, and the number that the first batch has in the run."""

    kinds: tuple
    seed: int
    first_step: int


def augment(frames, labels, seed, kinds=KINDS):
    """Changes every sequence of a batch at random.

    frames: uint8 tensor (B, 10, 64, 64, 3). labels: float32 (B, 10, 7, 2), x and y in pixels. seed: integer tensor
    (2,), from which alone everything is drawn. kinds: which of KINDS. Returns frames and labels as they came in, but
    with "pace" half as many of them, (B, 5, 64, 64, 3) and (B, 5, 7, 2); what lies beyond the old frame's edge shows
    its edge, and labels may then lie outside the new frame.
    """
    drawn = [len(DRAWN), DRAWN_FOR_COLOUR, DRAWN_FOR_BACKGROUND, DRAWN_FOR_PACE]
    uniform = tf.random.stateless_uniform([tf.shape(frames)[0], sum(drawn)], seed, -1.0, 1.0)
    for_transforms, for_colours, for_backgrounds, for_paces = tf.split(uniform, drawn, axis=1)
    if "pace" in kinds:
        frames, labels = _half_of_frames(frames, labels, for_paces)
    is_wanted = np.array([kind in kinds for kind in DRAWN], np.float32)
    transforms = _random_transforms(for_transforms * is_wanted, *_size(frames))
    if "background" in kinds:
        frames = change_backgrounds(frames, labels, for_backgrounds)
    warped = warp_frames(frames, transforms)
    if "colour" in kinds:
        warped = _change_colours(warped, for_colours)
    warped = tf.cast(tf.clip_by_value(tf.round(warped), 0.0, 255.0), tf.uint8)
    return tf.ensure_shape(warped, frames.shape), warp_labels(labels, transforms)


def _half_of_frames(frames, labels, uniform):
    """Five of a sequence's ten frames, in a row or every other one: (B, 10, ...) → (B, 5, ...), twice.

    Neighbours look alike, so that half of them teach a CNN nearly as much in half of the time; and a movement is seen
    at two paces. uniform: float32 (B, 2) from -1 to 1: which of the two, and the first frame.
    """
    length = frames.shape[1].value
    chosen = (length + 1) // 2
    pace = 1 + tf.cast(uniform[:, 0] > 0, tf.float32)
    starts = length - pace * (chosen - 1)
    first = tf.minimum(tf.floor((uniform[:, 1] + 1) / 2 * starts), starts - 1)
    places = tf.cast(first[:, None] + pace[:, None] * np.arange(chosen, dtype=np.float32), tf.int32)
    return tf.gather(frames, places, batch_dims=1), tf.gather(labels, places, batch_dims=1)


def _size(frames):
    """Height and width of the frames of a tensor (B, L, height, width, 3), as numbers."""
    return frames.shape[2].value, frames.shape[3].value


def _random_transforms(uniform, height, width):
    """float32 (B, 2, 3), see warp_labels, of numbers from -1 to 1, (B, 6), in the order of DRAWN.

    Zeros change nothing.
    """
    mirror, scale, stretch, angle, shift_x, shift_y = tf.unstack(uniform, axis=1)
    side = tf.where(mirror > 0, -tf.ones_like(mirror), tf.ones_like(mirror))
    scale = tf.exp(tf.where(scale > 0, scale * math.log(LARGEST_SCALE), -scale * math.log(SMALLEST_SCALE)))
    stretch = tf.exp(stretch * math.log(LARGEST_STRETCH))
    angle = angle * LARGEST_ROTATION
    a, b = side * scale * stretch * tf.cos(angle), -scale / stretch * tf.sin(angle)
    c, d = side * scale * stretch * tf.sin(angle), scale / stretch * tf.cos(angle)
    # The frame's middle stays where it is, but for the shift.
    x, y = width / 2, height / 2
    offset_x = x + LARGEST_SHIFT * width * shift_x - a * x - b * y
    offset_y = y + LARGEST_SHIFT * height * shift_y - c * x - d * y
    return tf.reshape(tf.stack([a, b, offset_x, c, d, offset_y], axis=-1), [-1, 2, 3])


def warp_labels(labels, transforms):
    """The positions in the new frame of joints, float32 (B, 10, 7, 2), x and y in pixels.

    transforms: float32 (B, 2, 3): a point (x, y) of the old frame goes to transforms @ (x, y, 1). Where one mirrors,
    that is, has a negative determinant, right and left joints exchange their rows.
    """
    a, b, shift_x, c, d, shift_y = tf.unstack(tf.reshape(transforms, [-1, 6, 1, 1]), axis=1)
    x, y = tf.unstack(labels, axis=-1)
    moved = tf.stack([a * x + b * y + shift_x, c * x + d * y + shift_y], axis=-1)
    shape = tf.shape(labels)
    mirrors = tf.broadcast_to((_determinants(transforms) < 0)[:, None, None, None], shape)
    return tf.where(mirrors, tf.gather(moved, MIRRORED_JOINTS, axis=2), moved)


def warp_frames(frames, transforms):
    """Moves the pixels of frames, uint8 (B, 10, 64, 64, 3), as warp_labels moves joints; float32 of the same shape.

    Bilinear between the middles of pixels, which lie at (0.5, 0.5), (1.5, 0.5) and so on.
    """
    shape = tf.shape(frames)
    batch, length = shape[0], shape[1]
    height, width = _size(frames)
    x, y = _source_positions(transforms, height, width)
    left, top = tf.minimum(tf.floor(x), width - 2.0), tf.minimum(tf.floor(y), height - 2.0)
    right_share, bottom_share = tf.reshape(x - left, [-1, 1]), tf.reshape(y - top, [-1, 1])
    # A row is one pixel's place in all frames of a sequence, which all move alike: one gather takes the ten of them.
    rows = tf.reshape(tf.transpose(frames, [0, 2, 3, 1, 4]), [-1, length * 3])
    first = tf.cast(top * width + left, tf.int32) + tf.range(batch)[:, None] * (height * width)
    first = tf.reshape(first, [-1])

    def row_of(step):
        return tf.cast(tf.gather(rows, first + step), tf.float32)

    upper = row_of(0) * (1 - right_share) + row_of(1) * right_share
    lower = row_of(width) * (1 - right_share) + row_of(width + 1) * right_share
    warped = upper * (1 - bottom_share) + lower * bottom_share
    return tf.transpose(tf.reshape(warped, [batch, height, width, length, 3]), [0, 3, 1, 2, 4])


def _source_positions(transforms, height, width):
    """Where in the old frame the pixels of the new one come from: x and y, float32 (B, height * width).

    0 is the middle of the first pixel.
    """
    y, x = np.divmod(np.arange(height * width, dtype=np.float32), width)
    a, b, shift_x, c, d, shift_y = tf.unstack(tf.reshape(transforms, [-1, 6, 1]), axis=1)
    x, y = x + 0.5 - shift_x, y + 0.5 - shift_y
    determinant = _determinants(transforms)[:, None]
    source_x, source_y = (d * x - b * y) / determinant - 0.5, (a * y - c * x) / determinant - 0.5
    return tf.clip_by_value(source_x, 0.0, width - 1.0), tf.clip_by_value(source_y, 0.0, height - 1.0)


def _determinants(transforms):
    return transforms[:, 0, 0] * transforms[:, 1, 1] - transforms[:, 0, 1] * transforms[:, 1, 0]


def _change_colours(frames, uniform):
    """Another gain and another offset for each of the three channels; uniform: (B, 6), from -1 to 1."""
    gain = 1 + LARGEST_GAIN * uniform[:, None, None, None, :3]
    return frames * gain + LARGEST_OFFSET * uniform[:, None, None, None, 3:]
