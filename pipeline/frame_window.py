"""Which frames are in the window of memory at what time, and which of its rows make up each batch.

The window is a ring of rows, one frame each. Blocks of sequences are loaded a few at a time. The frames of a load
occupy the rows after those of the previous load, and are overwritten when no later batch of the epoch needs them. The
ring has more rows than the window has frames: the frames of the next load are written before the batches that precede
them are gathered. `dataset` keeps the ring in TensorFlow's memory. This module handles only row numbers, and the frames
that enter.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from pipeline.batch_order import BatchOrder, EpochOrder, epoch_order, quasi_random_order, steps_from, steps_per_epoch
from pipeline.sample_source import SampleShape, SampleSource
from pipeline.store.blocks import Blocks, cut_into_blocks

# The frames of a load, and of a part of a long video, whose neighbouring parts share frames. Larger parts mean fewer
# frames read twice; smaller loads fill the window better. A sequence of every other frame spans 19.
MOST_FRAMES_OF_LOAD = 384
FEWEST_FRAMES_OF_LOAD = 48
LOADS_IN_SMALL_WINDOW = 8
# The most sequences of a round. tf.data takes 0.1 ms for each element, whatever its size.
SEQUENCES_PER_ROUND = 1024


class Round(NamedTuple):
    """Frames that enter the window, and S batches to draw from it afterwards. A tuple, because tf.data needs one."""

    new_rows: np.ndarray  # int32 (K,), the rows of the window to overwrite; K may be 0
    new_frames: np.ndarray  # (K, 64, 64, 3) uint8, or as the data set's SampleShape says
    rows: np.ndarray  # int32 (S, B, 10), the rows with the frames of each batch; S may be 0
    labels: np.ndarray  # (S, B, 10, 7, 2) float32, or as the SampleShape says


@dataclass(frozen=True)
class _Plan:
    """An epoch of S batches and L loads."""

    order: EpochOrder
    ends: np.ndarray  # int (L,), the position in order.blocks at which each load ends
    first: np.ndarray  # int (S,), the first load in the window at each batch
    last: np.ndarray  # int (S,), the last one


def window_rows(order: BatchOrder, shape: SampleShape) -> int:
    """The number of frames of this shape that fit into the window, but at least two batches and three loads."""
    fitting = int(order.window_megabytes * 1e6) // shape.frame_bytes
    return max(fitting, 2 * order.batch_size * shape.length, 3 * _most_frames_of_load(0, shape))


def ring_rows(order: BatchOrder, shape: SampleShape) -> int:
    """The number of rows of the ring: the window, and room for the load after it."""
    window = window_rows(order, shape)
    return window + _most_frames_of_load(window, shape)


def _most_frames_of_load(window: int, shape: SampleShape) -> int:
    """The most frames of a load. window: in frames."""
    share = window // LOADS_IN_SMALL_WINDOW
    return max(min(share, MOST_FRAMES_OF_LOAD), FEWEST_FRAMES_OF_LOAD, 2 * shape.length)


def rounds(source: SampleSource, order: BatchOrder, shape: SampleShape) -> Iterator[Round]:
    """Yields Rounds of an open data set's sequences, of this shape, without end. Raises what reading raises."""
    window = window_rows(order, shape)
    most_frames = _most_frames_of_load(window, shape)
    blocks = cut_into_blocks(source, order.indices, most_frames)
    ring = _Ring(source, blocks, ring_rows(order, shape), shape)
    everything_fits = int(blocks.frames.sum()) <= window
    if everything_fits:
        ring.empty(len(blocks.sequences))
    for epoch, first_step in steps_from(order.first_step, steps_per_epoch(len(order.indices), order.batch_size)):
        if everything_fits:
            plan = _plan(blocks, _full_permutation(blocks, order, epoch), most_frames, order.batch_size)
        else:
            plan = _plan_that_fits(blocks, order, epoch, window, most_frames)
            ring.empty(_largest_need(np.diff(blocks.ends, prepend=0), plan))
        yield from _rounds_of_epoch(ring, plan, order.batch_size, first_step)


def _full_permutation(blocks: Blocks, order: BatchOrder, epoch: int) -> EpochOrder:
    """All sequences in random order; the blocks in the order of the file."""
    places = np.empty(int(blocks.sequences.max()) + 1, np.int32)
    places[blocks.sequences] = np.arange(len(blocks.sequences))
    return EpochOrder(np.arange(len(blocks.ends)), places[epoch_order(order.indices, order.seed, epoch)])


def _plan_that_fits(blocks: Blocks, order: BatchOrder, epoch: int, window: int, most_frames: int) -> _Plan:
    """A plan in quasi-random order whose loads fit into the window at each batch.

    The time that blocks stay in use is reduced until they do.
    """
    in_use = window - 2 * most_frames
    while True:
        drawn = quasi_random_order(blocks, max(in_use, 0), order.seed, epoch)
        plan = _plan(blocks, drawn, most_frames, order.batch_size)
        excess = _largest_need(blocks.frames, plan) - window
        if excess <= 0 or in_use <= 0:
            return plan
        in_use -= excess


def _plan(blocks: Blocks, order: EpochOrder, most_frames: int, batch_size: int) -> _Plan:
    """Divides the blocks, in reading order, into loads of at most `most_frames`, and finds when each load is needed."""
    through = np.cumsum(blocks.frames[order.blocks])
    ends = [0]
    while ends[-1] < len(through):
        before = int(through[ends[-1] - 1]) if ends[-1] else 0
        ends.append(max(int(np.searchsorted(through, before + most_frames, side="right")), ends[-1] + 1))
    load_of_block = np.empty(len(blocks.ends), np.int32)
    load_of_block[order.blocks] = np.repeat(np.arange(len(ends) - 1), np.diff(ends))
    loads = np.repeat(load_of_block, np.diff(blocks.ends, prepend=0))[order.places]
    starts = np.arange(0, len(loads), batch_size)
    first = np.minimum.accumulate(np.minimum.reduceat(loads, starts)[::-1])[::-1]
    last = np.maximum.accumulate(np.maximum.reduceat(loads, starts))
    return _Plan(order, np.array(ends[1:]), first, last)


def _largest_need(sizes: np.ndarray, plan: _Plan) -> int:
    """The largest total size of the loads in the window at once. sizes: int (P,), of blocks, in frames or sequences."""
    through = np.concatenate([[0], np.cumsum(sizes[plan.order.blocks])[plan.ends - 1]])
    return int((through[plan.last + 1] - through[plan.first]).max())


def _rounds_of_epoch(ring: _Ring, plan: _Plan, batch_size: int, first_step: int) -> Iterator[Round]:
    """Yields the Rounds of an epoch from batch `first_step` on. A load enters just before the batch that needs it."""
    per_round = max(1, SEQUENCES_PER_ROUND // batch_size)
    step = first_step
    for load in range(int(plan.first[first_step]), len(plan.ends)):
        blocks = plan.order.blocks[plan.ends[load - 1] if load else 0 : plan.ends[load]]
        entering = None if ring.holds(blocks) else ring.enter(blocks)
        end = int(np.searchsorted(plan.last, load, side="right"))
        for start in range(step, end, per_round):
            for places in _equal_batches(plan.order.places, start, min(end, start + per_round), batch_size):
                yield ring.draw(places, entering)
                entering = None
        if entering is not None:
            yield ring.draw(np.empty((0, 0), np.int64), entering)
        step = max(step, end)


def _equal_batches(places: np.ndarray, start: int, end: int, batch_size: int) -> Iterator[np.ndarray]:
    """The batches from `start` to `end` as one array (S, B), and a shorter last batch as another, (1, B)."""
    chosen = places[start * batch_size : end * batch_size]
    whole = len(chosen) // batch_size * batch_size
    for part in (chosen[:whole].reshape(-1, batch_size), chosen[whole:][np.newaxis]):
        if part.size:
            yield part


class _Ring:
    """The rows of the window that hold the frames of each block, and the labels of its sequences.

    There are two rings: the window, whose rows are only counted here, and one with a slot for each sequence.
    """

    def __init__(self, source: SampleSource, blocks: Blocks, frames: int, shape: SampleShape) -> None:
        self._blocks = blocks
        self._source = source
        self._shape = shape
        self._sizes = np.diff(blocks.ends, prepend=0)
        self._starts = blocks.ends - self._sizes
        self._capacity = frames
        self._next_row = 0
        self.empty(0)

    def empty(self, sequences: int) -> None:
        """Forgets all blocks, and makes slots for this number of sequences.

        The next load takes the rows after the last one's, because its batches may not have been gathered yet.
        """
        self._next_slot = 0
        # The slot of each block's first sequence; -1 for blocks that are not in the window.
        self._first_slots = np.full(len(self._starts), -1)
        self._rows = np.empty((sequences, self._shape.length), np.int32)
        self._labels = np.empty((sequences, *self._shape.labels), self._shape.labels_dtype)

    def holds(self, blocks: np.ndarray) -> bool:
        """Whether these blocks, int (P,), have entered."""
        return bool((self._first_slots[blocks] >= 0).all())

    def enter(self, blocks: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Reads blocks, int (P,), which replace the oldest ones; returns Round.new_rows and Round.new_frames."""
        sequences = np.concatenate([self._blocks.of(block) for block in blocks])
        frames_of_sequences = self._source.read_frame_numbers(sequences)
        numbers = np.unique(frames_of_sequences)
        new_rows = (self._next_row + np.arange(len(numbers), dtype=np.int32)) % self._capacity
        slots = (self._next_slot + np.arange(len(sequences))) % len(self._rows)
        self._rows[slots] = new_rows[np.searchsorted(numbers, frames_of_sequences)]
        in_file = np.argsort(sequences)
        self._labels[slots[in_file]] = self._source.read_labels(sequences[in_file])
        self._first_slots[blocks] = slots[np.cumsum(self._sizes[blocks]) - self._sizes[blocks]]
        self._next_row = (self._next_row + len(numbers)) % self._capacity
        self._next_slot = (self._next_slot + len(sequences)) % len(self._rows)
        return new_rows, self._source.read_frames(numbers)

    def draw(self, places: np.ndarray, entering: tuple[np.ndarray, np.ndarray] | None) -> Round:
        """The Round of these batches. places: int (S, B), in Blocks.sequences. entering: what `enter` returned."""
        blocks = np.searchsorted(self._blocks.ends, places, side="right")
        slots = (self._first_slots[blocks] + places - self._starts[blocks]) % max(1, len(self._rows))
        if entering is None:
            entering = np.empty(0, np.int32), np.empty((0, *self._shape.frame), self._shape.frame_dtype)
        return Round(*entering, self._rows[slots], self._labels[slots])
