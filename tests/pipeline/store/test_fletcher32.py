import h5py
import numpy as np
import pytest

from pipeline.store.fletcher32 import fletcher32

SIZES = [1, 2, 3, 31, 32, 33, 64, 1000, 24576, 100_001, 2**22 + 3, 2**24]


def stored_checksum(chunk):
    """The checksum that HDF5 stores after a chunk, uint8 (B,)."""
    with h5py.File("memory", "w", driver="core", backing_store=False) as file:
        dataset = file.create_dataset("chunk", data=chunk, chunks=chunk.shape, fletcher32=True)
        _, stored = dataset.id.read_direct_chunk((0,))
    return np.frombuffer(stored, "<u4", offset=len(chunk))[0]


@pytest.mark.parametrize("size", SIZES)
def test_equals_that_of_hdf5(size):
    chunks = np.zeros((5, size), np.uint8)
    chunks[1] = 255  # Each sum is a multiple of 65535.
    chunks[2] = 255 * (np.arange(size) % 2)
    chunks[3, -1] = 1
    chunks[4] = np.random.default_rng(0).integers(0, 256, size)
    assert fletcher32(chunks).tolist() == [stored_checksum(chunk) for chunk in chunks]


def test_chunks_with_other_bytes_between_them():
    stored = np.random.default_rng(1).integers(0, 256, (7, 100), np.uint8)
    assert fletcher32(stored[:, :-4]).tolist() == [stored_checksum(chunk) for chunk in stored[:, :-4]]


def test_no_chunks():
    assert fletcher32(np.zeros((0, 64), np.uint8)).shape == (0,)
