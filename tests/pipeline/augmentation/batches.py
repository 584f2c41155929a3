"""Batches from which their augmentation can be measured, and functions that augment them."""

import numpy as np

from pipeline.augmentation.augment import KINDS, augment
from pipeline.tensorflow_v1 import tf

MOVING_KINDS = ("mirror", "scale", "rotation", "shift")


def run(function, *values):
    """Evaluates a function of tensors on these arrays."""
    with tf.Graph().as_default(), tf.Session() as session:
        placeholders = [tf.placeholder(value.dtype, [None, *value.shape[1:]]) for value in values]
        return session.run(function(*placeholders), dict(zip(placeholders, values, strict=True)))


def with_frames_last(frames):
    """(B, 10, 64, 64, 3) → (B, 64, 64, 3, 10)."""
    return np.moveaxis(frames, 1, -1).copy()


def augmented(frames, labels, seed=(0, 0), kinds=KINDS):
    return run(lambda *batch: augment(*batch, tf.constant(seed, tf.int64), kinds), frames, labels)


def marked(batch, seed=0):
    """Frames with a spot of 5×5 pixels, elsewhere in each sequence, and labels that are all at its centre."""
    places = np.random.default_rng(seed).integers(24, 40, (batch, 2))
    frames = np.zeros((batch, 10, 64, 64, 3), np.uint8)
    for sequence, (x, y) in zip(frames, places, strict=True):
        sequence[:, y - 2 : y + 3, x - 2 : x + 3] = 200
    labels = np.broadcast_to((places + 0.5)[:, None, None], (batch, 10, 7, 2)).astype(np.float32)
    return frames, labels


def centres(frames):
    """The centre of brightness of frames (..., 64, 64, 3), x and y in pixels, (..., 2)."""
    weight = frames.astype(np.float64).sum(axis=-1)
    middle = np.arange(64) + 0.5
    total = weight.sum(axis=(-2, -1))
    x, y = (weight.sum(axis=-2) * middle).sum(axis=-1), (weight.sum(axis=-1) * middle).sum(axis=-1)
    return np.stack([x / total, y / total], axis=-1)
