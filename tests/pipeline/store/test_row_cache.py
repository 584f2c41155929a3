import numpy as np
import pytest

from pipeline.store.row_cache import RowCache

ROWS = np.random.default_rng(0).integers(0, 256, (103, 4, 3)).astype(np.uint8)
ROW_BYTES = 12


class Reader:
    """Reads rows of ROWS and records which."""

    def __init__(self):
        self.numbers = []

    def __call__(self, numbers):
        self.numbers.extend(numbers.tolist())
        return ROWS[numbers]


def make_cache(read_rows, rows_kept):
    shape, dtype = ROWS.shape[1:], ROWS.dtype
    return RowCache(read_rows, len(ROWS), shape, dtype, rows_per_block=5, bytes_at_most=rows_kept * ROW_BYTES)


@pytest.mark.parametrize("rows_kept", [0, 1, 5, 20, 50, 100, 105, 1000])
def test_rows_are_those_of_numpy_however_little_is_kept(rows_kept):
    random, cache = np.random.default_rng(1), make_cache(Reader(), rows_kept)
    for shape in [(), (1,), (7,), (2, 10), (0,), (0, 10), (200,)] * 5:
        numbers = random.integers(0, len(ROWS), shape)
        taken = cache.take(numbers)
        assert (taken.dtype, taken.shape) == (np.uint8, (*shape, 4, 3))
        np.testing.assert_array_equal(taken, ROWS[numbers])


def test_a_data_set_that_fits_is_read_once():
    reader = Reader()
    cache = make_cache(reader, 105)
    for _ in range(3):
        for number in np.random.default_rng(2).permutation(len(ROWS)):
            cache.take([number])
    assert sorted(reader.numbers) == list(range(len(ROWS)))


def test_a_block_that_was_put_out_is_read_again():
    reader = Reader()
    cache = make_cache(reader, 10)
    for number in [0, 5, 4, 10, 1, 5]:
        cache.take([number])
    assert reader.numbers == [*range(5), *range(5, 10), *range(10, 15), *range(5)]


def test_what_it_gives_is_the_callers_own():
    cache = make_cache(Reader(), 105)
    cache.take([3])[:] = 0
    np.testing.assert_array_equal(cache.take([3]), ROWS[[3]])


def test_a_read_that_fails_leaves_what_is_held_as_it_was():
    def fail(numbers):
        raise OSError("the disk is gone")

    reader = Reader()
    read = reader
    cache = make_cache(lambda numbers: read(numbers), 5)
    cache.take([0])
    read = fail
    with pytest.raises(OSError, match="the disk is gone"):
        cache.take([5])
    read = reader
    np.testing.assert_array_equal(cache.take([0, 4]), ROWS[[0, 4]])
    np.testing.assert_array_equal(cache.take([5]), ROWS[[5]])
