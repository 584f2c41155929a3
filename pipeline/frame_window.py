"""Which frames are in the window of memory when, and which of its rows each batch is made of.

The window is a ring of rows, a frame each. A block's frames take the rows after those of the block before it, and stay
until the batches that need them are over. `dataset` keeps the ring in TensorFlow's memory; here are only numbers, and
the frames that enter.
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
# Long videos are cut into blocks. Large blocks read fewer frames twice, where videos are cut; of small blocks, more are
# in the window. A sequence of every other frame spans 19.
MOST_FRAMES_OF_BLOCK = 384
FEWEST_FRAMES_OF_BLOCK = 48
BLOCKS_IN_SMALL_WINDOW = 8
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


def window_rows(order: BatchOrder, shape: SequenceShape) -> int:
    """How many frames of this SequenceShape the window holds: what fits into its memory, two batches at least."""
    fits = int(order.window_megabytes * 1e6) // int(np.prod(shape.frame))
    return max(fits, 2 * order.batch_size * shape.length, 3 * _most_frames_of_block(0, shape))


def _most_frames_of_block(window: int, shape: SequenceShape) -> int:
    """Of a window of so many frames."""
    share = window // BLOCKS_IN_SMALL_WINDOW
    return max(min(share, MOST_FRAMES_OF_BLOCK), FEWEST_FRAMES_OF_BLOCK, 2 * shape.length)


def rounds(store: SequenceStore, order: BatchOrder) -> Iterator[Round]:
    """Yields Rounds of an open store's sequences, without end; raises UserError where the file is damaged."""
    window = window_rows(order, store.shape)
    blocks = cut_into_blocks(store, order.indices, _most_frames_of_block(window, store.shape))
    ring = _Ring(store, blocks, window)
    fits = int(blocks.frames.sum()) <= window
    if fits:
        ring.empty(len(blocks.sequences))
    for epoch, first_step in steps_from(order.first_step, steps_per_epoch(len(order.indices), order.batch_size)):
        planned = _fitting_order(blocks, order, epoch) if fits else _windowed_order(blocks, order, epoch, window)
        if not fits:
            ring.empty(_largest_need(np.diff(blocks.ends, prepend=0), blocks, planned, order.batch_size))
        yield from _rounds_of_epoch(ring, planned, order.batch_size, first_step)


def _fitting_order(blocks: Blocks, order: BatchOrder, epoch: int) -> EpochOrder:
    """The full permutation, and the blocks in the order of the file."""
    places = np.empty(int(blocks.sequences.max()) + 1, np.int32)
    places[blocks.sequences] = np.arange(len(blocks.sequences))
    return EpochOrder(np.arange(len(blocks.ends)), places[epoch_order(order.indices, order.seed, epoch)])


def _windowed_order(blocks: Blocks, order: BatchOrder, epoch: int, window: int) -> EpochOrder:
    """The quasi-random order with the largest reach of which all batches fit into the window."""
    reach = window - 2 * int(blocks.frames.max())
    while True:
        planned = quasi_random_order(blocks, max(reach, 0), order.seed, epoch)
        excess = _largest_need(blocks.frames, blocks, planned, order.batch_size) - window
        if excess <= 0 or reach <= 0:
            return planned
        reach -= excess


def _largest_need(sizes: np.ndarray, blocks: Blocks, planned: EpochOrder, batch_size: int) -> int:
    """The most that lies in the window at once; sizes: int (P,), of the blocks, in frames or in sequences."""
    first, last = _blocks_in_use(blocks, planned, batch_size)
    through = np.concatenate([[0], np.cumsum(sizes[planned.blocks])])
    return int((through[last + 1] - through[first]).max())


def _blocks_in_use(blocks: Blocks, planned: EpochOrder, batch_size: int) -> tuple[np.ndarray, np.ndarray]:
    """The first and the last of the blocks, in reading order, that are in the window at each batch: int (S,) each."""
    turns = np.empty(len(blocks.ends), np.int64)
    turns[planned.blocks] = np.arange(len(blocks.ends))
    used = turns[np.searchsorted(blocks.ends, planned.places, side="right")]
    starts = np.arange(0, len(used), batch_size)
    first = np.minimum.accumulate(np.minimum.reduceat(used, starts)[::-1])[::-1]
    return first, np.maximum.accumulate(np.maximum.reduceat(used, starts))


def _rounds_of_epoch(ring: _Ring, planned: EpochOrder, batch_size: int, first_step: int) -> Iterator[Round]:
    """Yields the Rounds of an epoch from batch `first_step` on: a block enters just before the batch that needs it."""
    first, last = _blocks_in_use(ring.blocks, planned, batch_size)
    entered = int(first[first_step])
    steps = len(first)
    while first_step < steps:
        while entered <= last[first_step]:
            # What a batch needs enters block by block, so that no more than a block is on its way.
            block = int(planned.blocks[entered])
            entered += 1
            if not ring.holds(block):
                yield ring.enter(block)
        following = int(np.searchsorted(last, entered))
        end = min(following, first_step + max(1, SEQUENCES_PER_ROUND // batch_size))
        places = planned.places[first_step * batch_size : end * batch_size]
        whole = len(places) // batch_size * batch_size
        for part in (places[:whole].reshape(-1, batch_size), places[whole:][np.newaxis]):
            if part.size:
                yield ring.draw(part)
        first_step = end


class _Ring:
    """Where in the window the frames of each block are, and the labels that go with them.

    Two rings: one of frames, of which only the row numbers are here, and one of sequences.
    """

    def __init__(self, store: SequenceStore, blocks: Blocks, frames: int) -> None:
        self.blocks = blocks
        self._store = store
        self._starts = np.concatenate([[0], blocks.ends[:-1]])
        self._capacity = frames
        self.empty(0)

    def empty(self, sequences: int) -> None:
        """Starts anew, with space for so many sequences."""
        self._next_row = self._next_slot = 0
        # Of the ring of sequences, by block; -1 for those that are not in it.
        self._first_slots = np.full(len(self._starts), -1)
        self._rows = np.empty((sequences, self._store.shape.length), np.int32)
        self._labels = np.empty((sequences, *self._store.shape.labels), np.float32)

    def holds(self, block: int) -> bool:
        """Whether the block has entered."""
        return bool(self._first_slots[block] >= 0)

    def enter(self, block: int) -> Round:
        """Reads a block, which takes the place of the oldest ones; returns a Round without batches."""
        sequences = self.blocks.of(block)
        numbers, places = np.unique(self._store.sequences[sequences], return_inverse=True)
        new_rows = (self._next_row + np.arange(len(numbers), dtype=np.int32)) % self._capacity
        slots = (self._next_slot + np.arange(len(sequences))) % len(self._rows)
        self._rows[slots] = new_rows[places].reshape(len(sequences), -1)
        in_file = np.argsort(sequences)
        self._labels[slots[in_file]] = self._store.read_labels(sequences[in_file])
        self._first_slots[block] = slots[0]
        self._next_row = (self._next_row + len(numbers)) % self._capacity
        self._next_slot = (self._next_slot + len(sequences)) % len(self._rows)
        nothing = np.empty((0, 0), np.int64)
        return self.draw(nothing)._replace(new_rows=new_rows, new_frames=self._store.read_frames(numbers))

    def draw(self, places: np.ndarray) -> Round:
        """The Round of these batches: int (S, B), places in Blocks.sequences."""
        blocks = np.searchsorted(self.blocks.ends, places, side="right")
        slots = (self._first_slots[blocks] + places - self._starts[blocks]) % max(1, len(self._rows))
        no_frames = np.empty((0, *self._store.shape.frame), np.uint8)
        return Round(np.empty(0, np.int32), no_frames, self._rows[slots], self._labels[slots])
