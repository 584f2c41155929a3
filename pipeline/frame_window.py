"""Which frames are in the window of memory when, and which of its rows each batch is made of.

The window is a ring of rows, a frame each. Blocks are loaded a few at a time; the frames of a load take the rows after
those of the load before it, and stay until the batches that need them are over. `dataset` keeps the ring in
TensorFlow's memory; here are only numbers, and the frames that enter.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from pipeline.batch_order import EpochOrder, epoch_order, quasi_random_order, steps_from, steps_per_epoch
from pipeline.sequence_shape import SequenceShape
from pipeline.store.blocks import Blocks, cut_into_blocks
from pipeline.store.reader import SequenceStore

DEFAULT_MEGABYTES = 64.0
# Long videos are cut into blocks, and blocks are loaded together, up to this many frames. Large blocks read fewer
# frames twice, where videos are cut; of small loads, more are in the window. A sequence of every other frame spans 19.
MOST_FRAMES_OF_LOAD = 384
FEWEST_FRAMES_OF_LOAD = 48
LOADS_IN_SMALL_WINDOW = 8
# So many sequences leave the generator at a time: an element of a data set costs 0.1 ms, whatever it holds.
SEQUENCES_PER_ROUND = 1024


class BatchOrder(NamedTuple):
    """Which sequences are trained on, in what order: indices, int (N,), in batches, from step `first_step` of the run
    on.

    The same seed and window give the same batches. window_megabytes: memory for frames.
    """

    indices: np.ndarray
    batch_size: int
    seed: int
    first_step: int = 0
    window_megabytes: float = DEFAULT_MEGABYTES


class Round(NamedTuple):
    """What changes in the window, and S batches that are drawn from it thereafter.

    new_rows: int32 (K,), of the window, that get new_frames, uint8 (K, 64, 64, 3). rows: int32 (S, B, 10), where in the
    window the frames of each batch are. labels: float32 (S, B, 10, 7, 2), pixels. S and K may be 0.
    """

    new_rows: np.ndarray
    new_frames: np.ndarray
    rows: np.ndarray
    labels: np.ndarray


class _Plan(NamedTuple):
    """Of an epoch of S batches. blocks, places: as in EpochOrder.

    ends: int (L,), where in `blocks` each load ends. first, last: int (S,), the loads that are in the window at each
    batch.
    """

    blocks: np.ndarray
    places: np.ndarray
    ends: np.ndarray
    first: np.ndarray
    last: np.ndarray


def window_rows(order: BatchOrder, shape: SequenceShape) -> int:
    """How many frames of this SequenceShape the window holds: what fits into its memory, two batches at least."""
    fits = int(order.window_megabytes * 1e6) // int(np.prod(shape.frame))
    return max(fits, 2 * order.batch_size * shape.length, 3 * _most_frames_of_load(0, shape))


def _most_frames_of_load(window: int, shape: SequenceShape) -> int:
    """Of a window of so many frames."""
    share = window // LOADS_IN_SMALL_WINDOW
    return max(min(share, MOST_FRAMES_OF_LOAD), FEWEST_FRAMES_OF_LOAD, 2 * shape.length)


def rounds(store: SequenceStore, order: BatchOrder) -> Iterator[Round]:
    """Yields Rounds of an open store's sequences, without end; raises UserError where the file is damaged."""
    window = window_rows(order, store.shape)
    most_frames = _most_frames_of_load(window, store.shape)
    blocks = cut_into_blocks(store, order.indices, most_frames)
    ring = _Ring(store, blocks, window)
    fits = int(blocks.frames.sum()) <= window
    if fits:
        ring.empty(len(blocks.sequences))
    for epoch, first_step in steps_from(order.first_step, steps_per_epoch(len(order.indices), order.batch_size)):
        if fits:
            plan = _planned(blocks, _fitting_order(blocks, order, epoch), most_frames, order.batch_size)
        else:
            plan = _windowed_plan(blocks, order, epoch, window, most_frames)
            ring.empty(_largest_need(np.diff(blocks.ends, prepend=0), plan))
        yield from _rounds_of_epoch(ring, plan, order.batch_size, first_step)


def _fitting_order(blocks: Blocks, order: BatchOrder, epoch: int) -> EpochOrder:
    """The full permutation, and the blocks in the order of the file."""
    places = np.empty(int(blocks.sequences.max()) + 1, np.int32)
    places[blocks.sequences] = np.arange(len(blocks.sequences))
    return EpochOrder(np.arange(len(blocks.ends)), places[epoch_order(order.indices, order.seed, epoch)])


def _windowed_plan(blocks: Blocks, order: BatchOrder, epoch: int, window: int, most_frames: int) -> _Plan:
    """That of the quasi-random order with the largest reach of which all batches fit into the window."""
    reach = window - 2 * most_frames
    while True:
        drawn = quasi_random_order(blocks, max(reach, 0), order.seed, epoch)
        plan = _planned(blocks, drawn, most_frames, order.batch_size)
        excess = _largest_need(blocks.frames, plan) - window
        if excess <= 0 or reach <= 0:
            return plan
        reach -= excess


def _planned(blocks: Blocks, order: EpochOrder, most_frames: int, batch_size: int) -> _Plan:
    """Cuts the blocks, in reading order, into loads of at most so many frames, and sees when each is needed."""
    through = np.cumsum(blocks.frames[order.blocks])
    ends = [0]
    while ends[-1] < len(through):
        before = int(through[ends[-1] - 1]) if ends[-1] else 0
        ends.append(max(int(np.searchsorted(through, before + most_frames, side="right")), ends[-1] + 1))
    turns = np.empty(len(blocks.ends), np.int32)
    turns[order.blocks] = np.repeat(np.arange(len(ends) - 1), np.diff(ends))
    used = np.repeat(turns, np.diff(blocks.ends, prepend=0))[order.places]
    starts = np.arange(0, len(used), batch_size)
    first = np.minimum.accumulate(np.minimum.reduceat(used, starts)[::-1])[::-1]
    return _Plan(*order, np.array(ends[1:]), first, np.maximum.accumulate(np.maximum.reduceat(used, starts)))


def _largest_need(sizes: np.ndarray, plan: _Plan) -> int:
    """The most that lies in the window at once; sizes: int (P,), of the blocks, in frames or in sequences."""
    through = np.concatenate([[0], np.cumsum(sizes[plan.blocks])[plan.ends - 1]])
    return int((through[plan.last + 1] - through[plan.first]).max())


def _rounds_of_epoch(ring: _Ring, plan: _Plan, batch_size: int, first_step: int) -> Iterator[Round]:
    """Yields the Rounds of an epoch from batch `first_step` on: a load enters just before the batch that needs it."""
    per_round = max(1, SEQUENCES_PER_ROUND // batch_size)
    step = first_step
    for load in range(int(plan.first[first_step]), len(plan.ends)):
        blocks = plan.blocks[plan.ends[load - 1] if load else 0 : plan.ends[load]]
        entering = None if ring.holds(blocks) else ring.enter(blocks)
        end = int(np.searchsorted(plan.last, load, side="right"))
        for start in range(step, end, per_round):
            for places in _equal_batches(plan.places, start, min(end, start + per_round), batch_size):
                yield ring.draw(places, entering)
                entering = None
        if entering is not None:
            yield ring.draw(np.empty((0, 0), np.int64), entering)
        step = max(step, end)


def _equal_batches(places: np.ndarray, start: int, end: int, batch_size: int) -> Iterator[np.ndarray]:
    """The batches from `start` to `end` as arrays (S, B): one of the whole ones, one of a shorter last one."""
    chosen = places[start * batch_size : end * batch_size]
    whole = len(chosen) // batch_size * batch_size
    for part in (chosen[:whole].reshape(-1, batch_size), chosen[whole:][np.newaxis]):
        if part.size:
            yield part


class _Ring:
    """Where in the window the frames of each block are, and the labels that go with them.

    Two rings: one of frames, of which only the row numbers are here, and one of sequences.
    """

    def __init__(self, store: SequenceStore, blocks: Blocks, frames: int) -> None:
        self._blocks = blocks
        self._store = store
        self._sizes = np.diff(blocks.ends, prepend=0)
        self._starts = blocks.ends - self._sizes
        self._capacity = frames
        self.empty(0)

    def empty(self, sequences: int) -> None:
        """Starts anew, with space for so many sequences."""
        self._next_row = self._next_slot = 0
        # Of the ring of sequences, by block; -1 for those that are not in it.
        self._first_slots = np.full(len(self._starts), -1)
        self._rows = np.empty((sequences, self._store.shape.length), np.int32)
        self._labels = np.empty((sequences, *self._store.shape.labels), np.float32)

    def holds(self, blocks: np.ndarray) -> bool:
        """Whether these blocks, int (P,), have entered."""
        return bool((self._first_slots[blocks] >= 0).all())

    def enter(self, blocks: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Reads blocks, int (P,), which take the place of the oldest ones; returns new_rows and new_frames."""
        sequences = np.concatenate([self._blocks.of(block) for block in blocks])
        named = self._store.read_frame_numbers(sequences)
        numbers = np.unique(named)
        new_rows = (self._next_row + np.arange(len(numbers), dtype=np.int32)) % self._capacity
        slots = (self._next_slot + np.arange(len(sequences))) % len(self._rows)
        self._rows[slots] = new_rows[np.searchsorted(numbers, named)]
        in_file = np.argsort(sequences)
        self._labels[slots[in_file]] = self._store.read_labels(sequences[in_file])
        self._first_slots[blocks] = slots[np.cumsum(self._sizes[blocks]) - self._sizes[blocks]]
        self._next_row = (self._next_row + len(numbers)) % self._capacity
        self._next_slot = (self._next_slot + len(sequences)) % len(self._rows)
        return new_rows, self._store.read_frames(numbers)

    def draw(self, places: np.ndarray, entering: tuple[np.ndarray, np.ndarray] | None) -> Round:
        """The Round of these batches, int (S, B), places in Blocks.sequences, once what `enter` returned is written."""
        blocks = np.searchsorted(self._blocks.ends, places, side="right")
        slots = (self._first_slots[blocks] + places - self._starts[blocks]) % max(1, len(self._rows))
        if entering is None:
            entering = np.empty(0, np.int32), np.empty((0, *self._store.shape.frame), np.uint8)
        return Round(*entering, self._rows[slots], self._labels[slots])
