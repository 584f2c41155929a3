"""Another background behind the person: what is around the joints stays, and the rest is a strip of another sequence.

A few dozen people stand before as many backgrounds, and a network learns both. Where the person ends is drawn from the
joints alone, as Ghiasi et al., *Simple Copy-Paste is a Strong Data Augmentation Method for Instance Segmentation*, CVPR
2021, have it from segments.
"""

from __future__ import annotations

import numpy as np

from pipeline.joints import JOINT_NAMES
from pipeline.tensorflow_v1 import tf

# People stand in the middle of most frames; the strip at an edge shows what is around them.
STRIP_SHARE = 18 / 64
# Of the person's outline, in pixels: the mask falls from one to zero across it.
SOFT_EDGE = 2.5
DOWN = (0.0, 1.0)

HEAD, RIGHT_WRIST, LEFT_WRIST, RIGHT_ELBOW, LEFT_ELBOW, RIGHT_SHOULDER, LEFT_SHOULDER = range(len(JOINT_NAMES))


def change_backgrounds(frames, labels, uniform):
    """Puts half of a batch's people before the background of the sequence that precedes them in the batch.

    frames: uint8 tensor (B, 10, 64, 64, 3). labels: float32 (B, 10, 7, 2), x and y in pixels. uniform: float32 (B, 3)
    from -1 to 1: whether the background changes, whether it is the left or the right edge's, and whether it stands on
    its head. Returns uint8 frames of the same shape.
    """
    height, width = frames.shape[2].value, frames.shape[3].value
    changed = tf.where(uniform[:, 0] > 0)
    uniform = tf.gather_nd(uniform, changed)[:, :, None, None, None, None]
    is_left, is_upside_down = uniform[:, 1] > 0, uniform[:, 2] > 0.5
    others = tf.gather_nd(tf.roll(frames, 1, axis=0), changed)
    columns = _strip_columns(width)
    backgrounds = _choose(is_left, tf.gather(others, columns, axis=3), tf.gather(others, width - 1 - columns, axis=3))
    backgrounds = _choose(is_upside_down, tf.reverse(backgrounds, axis=[2]), backgrounds)
    masks = person_masks(tf.gather_nd(labels, changed), height, width)
    behind, before = tf.cast(backgrounds, tf.float32), tf.cast(tf.gather_nd(frames, changed), tf.float32)
    pasted = tf.cast(tf.round(behind + masks * (before - behind)), tf.uint8)
    return tf.tensor_scatter_nd_update(frames, changed, pasted)


def _choose(condition, values, others):
    """One or the other for each sequence: condition is bool (B, 1, 1, 1, 1)."""
    return tf.where(tf.broadcast_to(condition, tf.shape(values)), values, others)


def _strip_columns(width):
    """The columns of the strip at the left edge, to and fro until they fill the width."""
    strip = max(1, round(STRIP_SHARE * width))
    places = np.arange(width) % (2 * strip)
    return np.minimum(places, 2 * strip - 1 - places)


def person_masks(labels, height, width):
    """Where the person is, as far as the joints tell: float32 (B, 10, height, width, 1), 1 on it and 0 off it.

    labels: float32 (B, 10, 7, 2), x and y in pixels. A body is the union of parts, each what lies within some distance
    of a line from one point to another; it stands upright, and is as large as shoulders and head make it. height and
    width: even numbers of pixels.
    """
    starts, ends, radii = _body_parts(tf.reshape(labels, [-1, len(JOINT_NAMES), 2]))
    y, x = (np.mgrid[: height // 2, : width // 2].reshape(2, -1) * 2 + 1).astype(np.float32)
    along = ends - starts
    from_start_x, from_start_y = x - starts[:, :, :1], y - starts[:, :, 1:]
    share = (from_start_x * along[:, :, :1] + from_start_y * along[:, :, 1:]) / _squared_length(along, smallest=1e-3)
    share = tf.clip_by_value(share, 0.0, 1.0)
    apart = tf.square(from_start_x - share * along[:, :, :1]) + tf.square(from_start_y - share * along[:, :, 1:])
    depths = tf.reduce_max(radii - tf.sqrt(apart), axis=1)
    # Half the resolution for a quarter of the time: an outline from seven points is no finer.
    depths = tf.reshape(depths, [-1, height // 2, width // 2, 1])
    depths = tf.image.resize_bilinear(depths, [height, width], half_pixel_centers=True)
    masks = tf.clip_by_value(depths / SOFT_EDGE + 0.8, 0.0, 1.0)
    return tf.reshape(masks, [-1, labels.shape[1].value, height, width, 1])


def _body_parts(joints):
    """float32 (F, 7, 2), pixels → the parts' two ends, float32 (F, P, 2) each, and radii, (F, P, 1), in pixels."""
    joint = tf.unstack(joints, axis=1)
    neck = (joint[RIGHT_SHOULDER] + joint[LEFT_SHOULDER]) / 2
    shoulders = tf.sqrt(_squared_length(joint[RIGHT_SHOULDER] - joint[LEFT_SHOULDER], smallest=1e-3))
    # From the side, shoulders are close together, and the head alone tells the size.
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
    starts, ends, radii = zip(*parts)
    return tf.stack(starts, axis=1), tf.stack(ends, axis=1), size[:, None] * np.float32(radii)[:, None]


def _squared_length(vectors, smallest):
    return tf.maximum(tf.reduce_sum(tf.square(vectors), axis=-1, keepdims=True), smallest)
