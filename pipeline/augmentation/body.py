"""Where a person's body is, estimated from the joints: masks of the person, for other modules to paint with."""

from __future__ import annotations

import numpy as np

from pipeline.joints import JOINT_NAMES
from pipeline.tensorflow_v1 import tf

# The width in pixels over which a mask decreases from one to zero at the outline.
SOFT_EDGE = 2.5
DOWN = (0.0, 1.0)

HEAD, RIGHT_WRIST, LEFT_WRIST, RIGHT_ELBOW, LEFT_ELBOW, RIGHT_SHOULDER, LEFT_SHOULDER = range(len(JOINT_NAMES))


def person_masks(labels: tf.Tensor, height: int, width: int) -> tf.Tensor:
    """Masks of the person: float32 (B, height, width, 10), 1 inside and 0 outside.

    labels: float32 (B, 10, 7, 2), x and y in pixels. height, width: of the frames, even numbers of pixels. A body is
    the union of parts. A part is the set of all points within some distance of a line segment. The body is assumed to
    be upright, and its size is estimated from shoulders and head.
    """
    parts = _body_parts(tf.reshape(labels, [-1, len(JOINT_NAMES), 2]))
    depths = tf.reshape(depths_in(*parts, height, width), [-1, labels.shape[1].value, height // 2, width // 2])
    return soft_masks(tf.transpose(depths, [0, 2, 3, 1]), height, width)


def depths_in(starts: tf.Tensor, ends: tf.Tensor, radii: tf.Tensor, height: int, width: int) -> tf.Tensor:
    """How deep every other pixel of every other row is inside the union of parts, float32 (F, height / 2 * width / 2).

    Negative outside; in pixels. starts, ends: of the line segments, float32 (F, P, 2). radii: float32 (F, P, 1).
    """
    x, y = half_resolution(height, width)
    along = ends - starts
    from_start_x, from_start_y = x - starts[:, :, :1], y - starts[:, :, 1:]
    share = (from_start_x * along[:, :, :1] + from_start_y * along[:, :, 1:]) / _squared_length(along, smallest=1e-3)
    share = tf.clip_by_value(share, 0.0, 1.0)
    squared = tf.square(from_start_x - share * along[:, :, :1]) + tf.square(from_start_y - share * along[:, :, 1:])
    return tf.reduce_max(radii - tf.sqrt(squared), axis=1)


def half_resolution(height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """x and y of the pixels of a picture of half the height and width, float32 (height / 2 * width / 2,), in pixels.

    Half the resolution takes a quarter of the time. An outline estimated from seven points is no more precise anyway.
    """
    y, x = (np.mgrid[: height // 2, : width // 2].reshape(2, -1) * 2 + 1).astype(np.float32)
    return x, y


def soft_masks(depths: tf.Tensor, height: int, width: int) -> tf.Tensor:
    """Depths in pixels at half the resolution, float32 (B, height / 2, width / 2, C) → masks (B, height, width, C)."""
    depths = tf.image.resize_bilinear(depths, [height, width], half_pixel_centers=True)
    return tf.clip_by_value(depths / SOFT_EDGE + 0.8, 0.0, 1.0)


def neck_and_size(joint: list[tf.Tensor]) -> tuple[tf.Tensor, tf.Tensor]:
    """The middle between the shoulders, float32 (F, 2), and the size of the body, about a shoulder width, (F, 1).

    joint: the seven joints, float32 (F, 2) each, in pixels.
    """
    neck = (joint[RIGHT_SHOULDER] + joint[LEFT_SHOULDER]) / 2
    shoulders = tf.sqrt(_squared_length(joint[RIGHT_SHOULDER] - joint[LEFT_SHOULDER], smallest=1e-3))
    # In a side view, the shoulders are close together, and only the head shows the size.
    return neck, tf.maximum(shoulders, 0.9 * tf.sqrt(_squared_length(joint[HEAD] - neck, smallest=1e-3)))


def _body_parts(joints: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """The parts of bodies. joints: float32 (F, 7, 2), in pixels.

    Returns both ends of the line segments, float32 (F, P, 2) each, and the radii around them, (F, P, 1).
    """
    joint = tf.unstack(joints, axis=1)
    neck, size = neck_and_size(joint)
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
