"""Augments every sequence of a batch at random, frames and labels together: the random numbers, and the order of steps.

The steps are TensorFlow ops on the uint8 frames. They run in the data set, in parallel with training. All frames of a
sequence change in the same way, so that a movement remains a movement. The random numbers are a function of the run's
seed and the step number alone.

Brightness and contrast are not augmented, because the normalization afterwards removes both.

No op here multiplies matrices or convolves. The last bit of such results depends on the processor and on the alignment
of memory, and a resumed run must see exactly the batches of an uninterrupted one.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from pipeline.augmentation import colour, legs
from pipeline.augmentation.background import change_backgrounds
from pipeline.augmentation.colour import change_colours
from pipeline.augmentation.legs import draw_legs
from pipeline.augmentation.warp import random_transforms, warp_labels, warp_pixels
from pipeline.tensorflow_v1 import tf

# The random numbers that each kind of augmentation needs for a sequence, in the order of their columns. Colours need
# two sets of numbers: one for a person who gets another background, one for the whole frame.
NUMBERS_DRAWN = {
    "mirror": 1,
    "scale": 2,
    "rotation": 1,
    "shift": 2,
    "colour": 2 * colour.NUMBERS,
    "background": 3,
    "pace": 2,
    "legs": legs.NUMBERS,
}
KINDS = tuple(NUMBERS_DRAWN)
FRAMES_USED = 3  # of each sequence, by "pace"


@dataclass(frozen=True)
class Augmentation:
    """How the batches of a run are augmented."""

    kinds: tuple[str, ...]  # some of KINDS
    seed: int  # the run's
    first_step: int  # the step number of the first batch


class BatchRows(NamedTuple):
    """Some sequences of a batch. A tuple, so that tf.data takes it as an element."""

    places: tf.Tensor  # int32 (R,), their positions in the batch
    total: tf.Tensor  # int32 scalar, the number of sequences in the whole batch


def augment(
    frames: tf.Tensor,
    labels: tf.Tensor,
    seed: tf.Tensor,
    kinds: Collection[str] = KINDS,
    rows: BatchRows | None = None,
) -> tuple[tf.Tensor, tf.Tensor]:
    """Changes every sequence of a batch at random.

    frames: uint8 (B, 10, 64, 64, 3). labels: float32 (B, 10, 7, 2), x and y in pixels. seed: integers (2,), the only
    source of randomness. kinds: the kinds to apply. Returns frames and labels of the same types and shapes, except
    that "pace" keeps FRAMES_USED of the frames: (B, 3, 64, 64, 3) and (B, 3, 7, 2). Pixels from beyond the edge of the
    old frame repeat its edge. Labels may lie outside the new frame.

    rows: given if `frames` and `labels` are only a part of the batch, consecutive sequences. The result is then that
    part of the whole batch's result, bit for bit. With "background", `frames` starts with the sequence before the part,
    which gives its background and is not returned.
    """
    drawn = _draw(tf.shape(frames)[0] if rows is None else rows.total, seed)
    # Zeros leave everything in place.
    moves = {kind: drawn[kind] * np.float32(kind in kinds) for kind in ("mirror", "scale", "rotation", "shift")}
    transforms = random_transforms(**moves, height=frames.shape[2].value, width=frames.shape[3].value)
    if rows is not None:
        # Computed for the whole batch first: TensorFlow vectorizes exp, and its last bit depends on the position.
        drawn = {kind: tf.gather(numbers, rows.places) for kind, numbers in drawn.items()}
        transforms = tf.gather(transforms, rows.places)
    if "pace" in kinds:
        frames, labels = few_frames(frames, labels, drawn["pace"])
    pixels = _with_frames_last(frames)
    if "background" in kinds:
        colours = drawn["colour"][:, colour.NUMBERS :] if "colour" in kinds else None
        pixels = change_backgrounds(pixels, labels, drawn["background"], colours)
        if rows is not None:
            pixels, labels, transforms = (values[1:] for values in (pixels, labels, transforms))
            drawn = {kind: numbers[1:] for kind, numbers in drawn.items()}
    pixels, labels = warp_pixels(pixels, transforms), warp_labels(labels, transforms)
    if "legs" in kinds:
        pixels = draw_legs(pixels, labels, transforms, drawn["legs"])
    if "colour" in kinds:
        pixels = tf.stack(change_colours(tf.unstack(pixels, axis=3), drawn["colour"][:, : colour.NUMBERS]), axis=3)
    changed = tf.cast(tf.clip_by_value(tf.round(tf.transpose(pixels, [0, 4, 1, 2, 3])), 0.0, 255.0), tf.uint8)
    return tf.ensure_shape(changed, frames.shape), labels


def _draw(batch: tf.Tensor, seed: tf.Tensor) -> dict[str, tf.Tensor]:
    """The random numbers of each kind, float32 (B, N) from -1 to 1; one call draws them for all kinds, used or not."""
    counts = list(NUMBERS_DRAWN.values())
    uniform = tf.random.stateless_uniform([batch, sum(counts)], seed, -1.0, 1.0)
    return dict(zip(NUMBERS_DRAWN, tf.split(uniform, counts, axis=1), strict=True))


def _with_frames_last(frames: tf.Tensor) -> tf.Tensor:
    """(B, 10, 64, 64, 3) → (B, 64, 64, 3, 10): what changes alike is together, which makes most steps faster.

    Transposing five dimensions takes twice as long as three.
    """
    length, *shape = frames.shape.as_list()[1:]
    return tf.reshape(tf.transpose(tf.reshape(frames, [-1, length, math.prod(shape)]), [0, 2, 1]), [-1, *shape, length])


def few_frames(frames: tf.Tensor, labels: tf.Tensor, uniform: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Some of a sequence's frames, at equal distances that span all or half of it: movements are seen at two speeds.

    Neighbouring frames look alike, so a few of them teach a CNN nearly as much as all ten in a fraction of the time.
    frames: (B, 10, ...) to (B, FRAMES_USED, ...), fewer for shorter sequences; the same for labels. uniform: float32
    (B, 2) from -1 to 1. If the first number is positive, the distance is large. The second chooses the first frame.
    """
    length = frames.shape[1].value
    chosen = min(FRAMES_USED, length)
    largest = (length - 1) // max(1, chosen - 1)
    smallest = max(1, largest // 2)
    distance = smallest + (largest - smallest) * tf.cast(uniform[:, 0] > 0, tf.float32)
    starts = length - distance * (chosen - 1)
    first = tf.minimum(tf.floor((uniform[:, 1] + 1) / 2 * starts), starts - 1)
    slots = tf.cast(first[:, None] + distance[:, None] * np.arange(chosen, dtype=np.float32), tf.int32)
    return tf.gather(frames, slots, batch_dims=1), tf.gather(labels, slots, batch_dims=1)
