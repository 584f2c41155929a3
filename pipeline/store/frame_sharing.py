"""Counts validation sequences that hold a frame that was trained on, for which a low error is memorization."""

import hashlib
from collections.abc import Iterator

import numpy as np

from pipeline.store.reader import SequenceStore

FRAMES_PER_READ = 256


def count_sharing_frames(
    training_store: SequenceStore, training: np.ndarray, validation_store: SequenceStore, validation: np.ndarray
) -> int:
    """The number of validation sequences that share at least one frame, bit for bit, with a training sequence.

    training_store, validation_store: the same open store or two. training, validation: int arrays of sequence numbers
    in them. Between two files, frames are compared by a 128-bit digest.
    """
    trained_on = np.unique(training_store.sequences[training])
    if validation_store is training_store:
        is_shared = np.isin(validation_store.sequences[validation], trained_on)
    else:
        digests = set(_digests(training_store, trained_on))
        numbers = np.unique(validation_store.sequences[validation])
        shared = numbers[[digest in digests for digest in _digests(validation_store, numbers)]]
        is_shared = np.isin(validation_store.sequences[validation], shared)
    return int(is_shared.any(axis=1).sum())


def _digests(store: SequenceStore, numbers: np.ndarray) -> Iterator[bytes]:
    for start in range(0, len(numbers), FRAMES_PER_READ):
        for frame in store.read_frames(numbers[start : start + FRAMES_PER_READ]):
            yield hashlib.blake2b(frame, digest_size=16).digest()
