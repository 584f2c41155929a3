"""Sequences to evaluate, in blocks that share frames, so that each different frame is read and computed once."""

from typing import NamedTuple

import numpy as np

SEQUENCES_PER_BLOCK = 256


class EvaluationBlock(NamedTuple):
    """B sequences over D different frames.

    indices: int (B,), the sequence numbers. frames: uint8 (D, 64, 64, 3). positions: int (B, 10), where in `frames`
    each sequence's frames are. labels: float32 (B, 10, 7, 2), pixels.
    """

    indices: np.ndarray
    frames: np.ndarray
    positions: np.ndarray
    labels: np.ndarray


def evaluation_blocks(store, indices):
    """Yields every one of these sequences once, as EvaluationBlocks, ordered by their first frame.

    store: an open SequenceStore. indices: int (N,). The sequences of one video come out together, whatever their
    stride, so that a frame is in two blocks only at the border between them. A block holds at most 256 sequences; its
    frames are at most 2560, and a few hundred where the sequences overlap as the course's do.
    """
    ordered = indices[np.argsort(store.sequences[indices, 0], kind="stable")]
    for start in range(0, len(ordered), SEQUENCES_PER_BLOCK):
        chosen = ordered[start : start + SEQUENCES_PER_BLOCK]
        numbers, positions = np.unique(store.sequences[chosen], return_inverse=True)
        yield EvaluationBlock(
            chosen,
            store.read_frames(numbers),
            positions.reshape(store.sequences[chosen].shape),
            store.read_labels(chosen),
        )
