"""Augments every sequence of a batch at random, frames and labels together: what is drawn, and the order of the steps.

These are TensorFlow ops on the uint8 frames, which run in the data set, beside training. All frames of a sequence
change in the same way, so that a movement remains a movement. What is drawn is a function of the run's seed and the
number of the step alone.

Brightness and contrast are not among the kinds, because the normalization after augmentation removes both.

No op here multiplies matrices or convolves: the last bit of their results depends on the processor and on the alignment
of memory, and a resumed run must see the very batches that an uninterrupted one sees.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

import numpy as np

from pipeline.augmentation.background import change_backgrounds
from pipeline.augmentation.colour import NUMBERS, change_colours
from pipeline.augmentation.kinds import KINDS
from pipeline.augmentation.pace import half_of_frames
from pipeline.augmentation.warp import random_transforms, warp_frames, warp_labels
from pipeline.tensorflow_v1 import tf

# How many numbers each kind draws for a sequence, in the order of their columns. Colours are drawn twice: for the
# person in front of another background, and for the frame.
NUMBERS_DRAWN = {
    "mirror": 1,
    "scale": 2,
    "rotation": 1,
    "shift": 2,
    "colour": 2 * NUMBERS,
    "background": 3,
    "pace": 2,
}


class Augmentation(NamedTuple):
    """kinds: which of KINDS. seed: the run's. first_step: the step number of the first batch."""

    kinds: tuple[str, ...]
    seed: int
    first_step: int


class BatchRows(NamedTuple):
    """Which sequences of a batch are given. places: int32 (R,). total: int32 scalar, the sequences of the batch."""

    places: tf.Tensor
    total: tf.Tensor


def augment(
    frames: tf.Tensor,
    labels: tf.Tensor,
    seed: tf.Tensor,
    kinds: Collection[str] = KINDS,
    rows: BatchRows | None = None,
) -> tuple[tf.Tensor, tf.Tensor]:
    """Changes every sequence of a batch at random.

    frames: uint8 (B, 10, 64, 64, 3). labels: float32 (B, 10, 7, 2), x and y in pixels. seed: integers (2,), the only
    source of randomness. kinds: which of KINDS to apply. Returns frames and labels of the same types and shapes, except
    that "pace" keeps half of the frames, (B, 5, 64, 64, 3) and (B, 5, 7, 2). Pixels from beyond the old frame's edge
    repeat the edge. Labels may lie outside the new frame.

    rows: where only a part of the batch is given, consecutive sequences; the result is that part of the result for the
    whole batch, bit for bit. With "background" the sequence before them is given too, as the first; it is not returned.
    """
    drawn = _draw(tf.shape(frames)[0] if rows is None else rows.total, seed)
    # Zeros leave everything where it is.
    moves = {kind: drawn[kind] * np.float32(kind in kinds) for kind in ("mirror", "scale", "rotation", "shift")}
    transforms = random_transforms(**moves, height=frames.shape[2].value, width=frames.shape[3].value)
    if rows is not None:
        # Drawn and computed for the whole batch: the last bit of an exponential depends on its place in a vector.
        drawn = {kind: tf.gather(numbers, rows.places) for kind, numbers in drawn.items()}
        transforms = tf.gather(transforms, rows.places)
    if "pace" in kinds:
        frames, labels = half_of_frames(frames, labels, drawn["pace"])
    if "background" in kinds:
        colours = drawn["colour"][:, NUMBERS:] if "colour" in kinds else None
        frames = change_backgrounds(frames, labels, drawn["background"], colours)
        if rows is not None:
            frames, labels, transforms, drawn["colour"] = (
                values[1:] for values in (frames, labels, transforms, drawn["colour"])
            )
    warped = warp_frames(frames, transforms)
    if "colour" in kinds:
        warped = change_colours(warped, drawn["colour"][:, :NUMBERS])
    warped = tf.cast(tf.clip_by_value(tf.round(warped), 0.0, 255.0), tf.uint8)
    return tf.ensure_shape(warped, frames.shape), warp_labels(labels, transforms)


def _draw(batch: tf.Tensor, seed: tf.Tensor) -> dict[str, tf.Tensor]:
    """The numbers of each kind, float32 (B, N) from -1 to 1, drawn in one call whatever the kinds to apply."""
    counts = list(NUMBERS_DRAWN.values())
    uniform = tf.random.stateless_uniform([batch, sum(counts)], seed, -1.0, 1.0)
    return dict(zip(NUMBERS_DRAWN, tf.split(uniform, counts, axis=1), strict=True))
