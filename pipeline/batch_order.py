"""The order in which sequences are trained on: a function of the seed, the epoch and the window's size.

If all frames fit into the window of memory, the order is a full permutation. If not, it is quasi-random, as in FFCV
(Leclerc et al., *FFCV: Accelerating Training by Removing Data Bottlenecks*, CVPR 2023): blocks of neighbouring
sequences are read in random order, each once an epoch, and batches are drawn at random from the blocks in the window.
Each sequence is drawn at a random time while its block is in the window. Blocks enter and leave one by one; in FFCV,
all at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from pipeline.store.blocks import Blocks

DEFAULT_MEGABYTES = 64.0
# How full the window is at the beginning of an epoch. Full enough that the first batch already has sequences of many
# blocks, but not so full that a block must leave at once.
SHARE_AT_FIRST = 0.75


@dataclass(frozen=True)
class BatchOrder:
    """The sequences to train on and their order. The same seed and window give the same batches."""

    indices: np.ndarray  # int (N,), sequence numbers
    batch_size: int
    seed: int
    first_step: int = 0  # the step of the run that the first batch is for
    window_megabytes: float = DEFAULT_MEGABYTES  # memory for frames


@dataclass(frozen=True)
class EpochOrder:
    """The order of one epoch."""

    blocks: np.ndarray  # int (P,), the blocks in the order in which they are read
    places: np.ndarray  # int (N,), positions in Blocks.sequences in the order of training


@dataclass(frozen=True)
class BatchPart:
    """The part of each batch that one worker gathers, augments and trains on.

    Every batch is cut into the same number of shards, at positions that depend on its size alone. A worker has
    consecutive shards, and therefore consecutive sequences.
    """

    first: int  # the worker's first shard
    end: int  # the shard after its last one
    shards: int  # in a whole batch

    @property
    def is_whole(self) -> bool:
        """Whether the part is the whole batch."""
        return self.end - self.first == self.shards

    def cut(self, shard: int, total: Any) -> Any:
        """The position in a batch of `total` sequences at which this shard begins, and the shard before it ends.

        total: an int or an integer tensor; the result has the same type. The sizes of shards differ by at most one
        sequence. If a batch has fewer sequences than shards, some are empty.
        """
        return total * shard // self.shards


def epoch_order(indices: np.ndarray, seed: int, epoch: int) -> np.ndarray:
    """The order of an epoch if all frames fit into the window: a permutation of `indices`, int (N,)."""
    return np.random.default_rng([seed, epoch]).permutation(indices)


def quasi_random_order(blocks: Blocks, window: int, seed: int, epoch: int) -> EpochOrder:
    """The order of an epoch in which the blocks in use at any time hold at most about `window` frames.

    The blocks lie one after another on a time axis, one unit per frame. A block enters half a window before the time of
    its middle and leaves half a window after it; both times are limited at the beginning and the end of the epoch.
    """
    random = np.random.default_rng([seed, epoch])
    order = random.permutation(len(blocks.ends))
    frames = blocks.frames[order]
    middles = np.cumsum(frames) - frames / 2
    reach = np.maximum(window / 2, frames / 2)
    at_first = (SHARE_AT_FIRST - 0.5) * window
    begin = np.maximum(middles - reach, at_first)
    end = np.maximum(np.minimum(middles + reach, frames.sum() - at_first), begin)
    # Each key holds a time and a place, so that one in-place sort is enough: these arrays are as long as the epoch.
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
    """Yields (epoch, first step within it), starting at step `first_step` of the run; later epochs start at 0.

    steps: the number of steps in an epoch.
    """
    epoch, step = divmod(first_step, steps)
    while True:
        yield epoch, step
        epoch, step = epoch + 1, 0


def worker_part(worker: int, workers: int, shards: int) -> BatchPart:
    """The part of worker number `worker`. shards: in a batch, a multiple of `workers`."""
    each = shards // workers
    return BatchPart(worker * each, (worker + 1) * each, shards)
