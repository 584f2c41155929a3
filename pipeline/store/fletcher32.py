"""HDF5's Fletcher-32 checksums of many chunks at once.

HDF5 computes them only while it reads, one chunk after another, under the lock that all of h5py shares. NumPy computes
them in about half the time, and other threads run meanwhile. The algorithm is `H5_checksum_fletcher32` in HDF5's
src/H5checksum.c: the sum of the big-endian 16-bit words, and the sum of its intermediate values, both modulo 65535.
"""

from __future__ import annotations

import numpy as np

# A chunk's words are laid out in this many rows. The sums over a column, also those weighted with the row numbers, are
# integers below 2**24, which float32 represents exactly. So a matrix product gives them without rounding.
ROWS = 16
WEIGHTS = np.stack([np.ones(ROWS), np.arange(ROWS)]).astype(np.float32)
MODULUS = 65535
# With at most this many columns, the sums over the columns below are exact in float64.
MOST_COLUMNS = 1 << 16


def fletcher32(chunks: np.ndarray) -> np.ndarray:
    """The checksums of chunks, uint8 (K, B) of at most 16 MiB each, the last axis contiguous: uint32 (K,)."""
    number_of_bytes = chunks.shape[1]
    columns = -(-number_of_bytes // (2 * ROWS))
    if missing := 2 * ROWS * columns - number_of_bytes:
        chunks = np.pad(chunks, ((0, 0), (0, missing)))
    # Word i is at row i // columns. Byte order: the sums of swapped words are the swapped sums, modulo 65535.
    words = chunks.view("<u2").astype(np.float32).reshape(-1, ROWS, columns)
    sums = (WEIGHTS @ words).astype(np.float64)
    if columns > MOST_COLUMNS:
        sums %= MODULUS
    in_row = sums[:, 0] @ (np.arange(columns) % MODULUS).astype(np.float64)
    total, rows = sums.sum(axis=2).astype(np.int64).T
    # HDF5 adds word i to the second sum once for itself and once for each word after it.
    count = -(-number_of_bytes // 2)
    second = (count * total - columns * rows - in_row.astype(np.int64)) % MODULUS * 256 % MODULUS
    first = total * 256 % MODULUS
    # Where a sum is a multiple of 65535, HDF5's way of reducing it leaves 65535, unless all words are zero.
    for values in (first, second):
        for place in np.flatnonzero(values == 0):
            values[place] = MODULUS if chunks[place].any() else 0
    return (second << 16 | first).astype(np.uint32)
