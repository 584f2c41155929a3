"""A cache of bounded size for the rows of a data set on disk, from which a batch of rows is one `numpy.take`."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt


class RowCache:
    """A direct-mapped cache: the number of a block of rows determines its slot.

    A data set that fits is read once. In a larger one, a block replaces the one that occupied its slot.

    read_rows: a function of an ascending int array (R,) that returns those rows, (R, *shape). number_of_rows: in the
    data set. shape, dtype: of one row. rows_per_block: rows that are stored together on disk. bytes_at_most: the
    memory for cached rows; at least one block is cached.
    """

    def __init__(
        self,
        read_rows: Callable[[np.ndarray], np.ndarray],
        number_of_rows: int,
        shape: tuple[int, ...],
        dtype: npt.DTypeLike,
        rows_per_block: int,
        bytes_at_most: int,
    ) -> None:
        self._read_rows = read_rows
        self._number_of_rows = number_of_rows
        self._rows_per_block = rows_per_block
        blocks = -(-number_of_rows // rows_per_block)
        block_bytes = rows_per_block * int(np.prod(shape, dtype=np.int64)) * np.dtype(dtype).itemsize
        slots = max(1, min(blocks, bytes_at_most // block_bytes))
        self._block_in_slot = np.full(slots, -1)
        self._rows = np.empty((slots * rows_per_block, *shape), dtype)

    def take(self, numbers: npt.ArrayLike) -> np.ndarray:
        """The rows with these numbers: ints of any shape (...) to a new array (..., *shape)."""
        numbers = np.asarray(numbers)
        flat = numbers.ravel()
        taken = self._take_cached(flat)
        if taken is None:
            self._load(flat)
            taken = self._take_cached(flat)
        if taken is None:
            # There are more blocks than slots, or two blocks share a slot.
            taken = self._read_each(flat)
        return taken.reshape(*numbers.shape, *self._rows.shape[1:])

    def _take_cached(self, numbers: np.ndarray) -> np.ndarray | None:
        """Those rows if all are cached, else None."""
        blocks, rows = np.divmod(numbers, self._rows_per_block)
        slots = blocks % len(self._block_in_slot)
        if not np.array_equal(self._block_in_slot[slots], blocks):
            return None
        return self._rows.take(slots * self._rows_per_block + rows, axis=0)

    def _load(self, numbers: np.ndarray) -> None:
        """Reads those blocks of these rows that are not cached."""
        blocks = np.unique(numbers // self._rows_per_block)
        slots = blocks % len(self._block_in_slot)
        is_missing = self._block_in_slot[slots] != blocks
        for block, slot in zip(blocks[is_missing].tolist(), slots[is_missing].tolist(), strict=True):
            first = block * self._rows_per_block
            rows = self._read_rows(np.arange(first, min(first + self._rows_per_block, self._number_of_rows)))
            start = slot * self._rows_per_block
            self._rows[start : start + len(rows)] = rows
            self._block_in_slot[slot] = block

    def _read_each(self, numbers: np.ndarray) -> np.ndarray:
        distinct, rows = np.unique(numbers, return_inverse=True)
        return self._read_rows(distinct)[rows]
