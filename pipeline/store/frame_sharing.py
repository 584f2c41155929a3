"""Counts the validation sequences that share a frame with training: their low error is memorization."""

from collections.abc import Iterator

import numpy as np

from pipeline.store.layout import DIGEST_BYTES
from pipeline.store.reader import SequenceStore

ROWS_PER_STEP = 1 << 14


def count_sharing_frames(
    training_store: SequenceStore, training: np.ndarray, validation_store: SequenceStore, validation: np.ndarray
) -> int:
    """The number of validation sequences that share at least one frame, bit for bit, with a training sequence.

    training_store, validation_store: one open store or two. training, validation: int arrays of sequence numbers in
    them. Between files, frames are compared by 128-bit digests. Frames are read only from a file without digests.
    Memory: one byte for each frame and, between files, about 60 bytes for each frame of a validation sequence.
    """
    is_shared = _frames_of(training_store, training)
    if validation_store is not training_store or len(training_store.parts) > 1:
        is_validated = _frames_of(validation_store, validation)
        is_shared = _frames_in_other(training_store, is_shared, validation_store, is_validated)
    read_frame_numbers = validation_store.read_frame_numbers
    return sum(int(is_shared[read_frame_numbers(part)].any(axis=1).sum()) for part in _parts(validation))


def _frames_of(store: SequenceStore, indices: np.ndarray) -> np.ndarray:
    """bool (F,): which frames of the store are in these sequences, int (N,)."""
    is_in = np.zeros(store.number_of_frames, bool)
    for part in _parts(indices):
        is_in[store.read_frame_numbers(part)] = True
    return is_in


def _frames_in_other(
    store: SequenceStore, is_in_store: np.ndarray, other: SequenceStore, is_in_other: np.ndarray
) -> np.ndarray:
    """bool (F,): which marked frames of `other` are equal to a marked frame of `store`.

    is_in_store, is_in_other: bool, a mark for each frame of the store.
    """
    numbers = np.flatnonzero(is_in_other)
    digests, places = np.unique(_as_text(other.read_digests(numbers)), return_inverse=True)
    is_found = np.zeros(len(digests), bool)
    for part in _parts(np.flatnonzero(is_in_store)):
        sought = _as_text(store.read_digests(part))
        found = np.minimum(np.searchsorted(digests, sought), len(digests) - 1)
        is_found[found[digests[found] == sought]] = True
    is_shared = np.zeros(len(is_in_other), bool)
    is_shared[numbers] = is_found[places]
    return is_shared


def _as_text(digests: np.ndarray) -> np.ndarray:
    """Digests, uint8 (B, 16), as text of 16 bytes, which NumPy sorts quickly: (B,)."""
    return np.ascontiguousarray(digests).view(f"S{DIGEST_BYTES}").ravel()


def _parts(numbers: np.ndarray) -> Iterator[np.ndarray]:
    return (numbers[start : start + ROWS_PER_STEP] for start in range(0, len(numbers), ROWS_PER_STEP))
