"""Rows of a data set on disk, kept in memory within a bound, so that a batch of them is one `numpy.take`."""

import numpy as np


class RowCache:
    """Gives rows of any numbers, and keeps what it read: block by block, each in the one slot that its number names.

    A data set that fits is read once. Of a larger one, a block takes the place of the one before it in its slot.

    read_rows: a function of an ascending int array (R,) that returns those rows, (R, *shape). number_of_rows: in the
    data set. shape, dtype: of one row. rows_per_block: rows that lie together on disk. bytes_at_most: of rows kept.
    """

    def __init__(self, read_rows, number_of_rows, shape, dtype, rows_per_block, bytes_at_most):
        self._read_rows = read_rows
        self._number_of_rows = number_of_rows
        self._rows_per_block = rows_per_block
        blocks = -(-number_of_rows // rows_per_block)
        block_bytes = rows_per_block * int(np.prod(shape, dtype=np.int64)) * np.dtype(dtype).itemsize
        slots = max(1, min(blocks, bytes_at_most // block_bytes))
        self._block_in_slot = np.full(slots, -1)
        self._rows = np.empty((slots * rows_per_block, *shape), dtype)

    def take(self, numbers):
        """The rows of these numbers, int array of any shape (...) → a new array (..., *shape)."""
        numbers = np.asarray(numbers)
        flat = numbers.ravel()
        taken = self._take_held(flat)
        if taken is None:
            self._load(flat)
            taken = self._take_held(flat)
        if taken is None:
            # More blocks than slots, or two that share one.
            taken = self._read_each(flat)
        return taken.reshape(*numbers.shape, *self._rows.shape[1:])

    def _take_held(self, numbers):
        """Those rows if all are in memory, else None."""
        blocks, places = np.divmod(numbers, self._rows_per_block)
        slots = blocks % len(self._block_in_slot)
        if not np.array_equal(self._block_in_slot[slots], blocks):
            return None
        return self._rows.take(slots * self._rows_per_block + places, axis=0)

    def _load(self, numbers):
        """Reads the blocks of these rows that are not in memory."""
        blocks = np.unique(numbers // self._rows_per_block)
        slots = blocks % len(self._block_in_slot)
        is_missing = self._block_in_slot[slots] != blocks
        for block, slot in zip(blocks[is_missing].tolist(), slots[is_missing].tolist()):
            first = block * self._rows_per_block
            rows = self._read_rows(np.arange(first, min(first + self._rows_per_block, self._number_of_rows)))
            start = slot * self._rows_per_block
            self._rows[start : start + len(rows)] = rows
            self._block_in_slot[slot] = block

    def _read_each(self, numbers):
        distinct, places = np.unique(numbers, return_inverse=True)
        return self._read_rows(distinct)[places]
