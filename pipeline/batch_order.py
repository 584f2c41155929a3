"""The order in which sequences are trained on: a function of the seed and the epoch's number alone.

Where all frames fit into the window, the order is a full permutation. Where they do not, it is quasi-random, as in FFCV
(Leclerc et al., *FFCV: Accelerating Training by Removing Data Bottlenecks*, CVPR 2023): blocks of neighbouring
sequences are read in random order, each once an epoch, and batches are drawn at random from those that the window
holds. There, each sequence is drawn at a random time while its block is in the window; blocks enter and leave one by
one, in FFCV all at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from pipeline.store.blocks import Blocks

# Of the window: full at the beginning of an epoch, so that a batch has sequences of many blocks from the first one on,
# but not so full that a block must leave at once.
SHARE_AT_FIRST = 0.75


class EpochOrder(NamedTuple):
    """Of an epoch. blocks: int (P,), in reading order. places: int (N,), of Blocks.sequences, in training order."""

    blocks: np.ndarray
    places: np.ndarray


def epoch_order(indices: np.ndarray, seed: int, epoch: int) -> np.ndarray:
    """The sequence numbers `indices`, int (N,), each once, in the order of this epoch where all of them fit."""
    return np.random.default_rng([seed, epoch]).permutation(indices)


def quasi_random_order(blocks: Blocks, window: int, seed: int, epoch: int) -> EpochOrder:
    """The order of an epoch in which the blocks that are in use at any time hold at most about `window` frames.

    Time is counted in frames that have passed through the window. A block is in use for a window's length around the
    time of its own middle, less at the beginning and the end of the epoch.
    """
    random = np.random.default_rng([seed, epoch])
    order = random.permutation(len(blocks.ends))
    frames = blocks.frames[order]
    middles = np.cumsum(frames) - frames / 2
    reach = np.maximum(window / 2, frames / 2)
    at_first = (SHARE_AT_FIRST - 0.5) * window
    begin = np.maximum(middles - reach, at_first)
    end = np.maximum(np.minimum(middles + reach, frames.sum() - at_first), begin)
    # One sort in place of keys, time before place: these arrays are as long as the epoch.
    keys = np.empty(len(blocks.sequences), np.uint64)
    ticks_per_frame = (2**32 - 1) / frames.sum()
    first_places = blocks.ends - np.diff(blocks.ends, prepend=0)
    filled = 0
    for block, earliest, latest in zip(order.tolist(), begin.tolist(), end.tolist(), strict=True):
        places = np.arange(first_places[block], blocks.ends[block], dtype=np.uint64)
        times = earliest + random.random(len(places)) * (latest - earliest)
        keys[filled : filled + len(places)] = (times * ticks_per_frame).astype(np.uint64) << np.uint64(32) | places
        filled += len(places)
    keys.sort()
    return EpochOrder(order, (keys & np.uint64(2**32 - 1)).astype(np.int32))


def steps_per_epoch(number_of_sequences: int, batch_size: int) -> int:
    """The number of batches in an epoch, including a shorter last one."""
    return -(-number_of_sequences // batch_size)


def steps_from(first_step: int, steps: int) -> Iterator[tuple[int, int]]:
    """Yields epochs, and the step in each to begin with: 0 but for the first, which is that of step `first_step`.

    steps: in an epoch.
    """
    epoch, step = divmod(first_step, steps)
    while True:
        yield epoch, step
        epoch, step = epoch + 1, 0
