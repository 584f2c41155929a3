"""The subset of the validation sequences that is scored during training."""

import numpy as np

from pipeline.store.blocks import by_video
from pipeline.store.reader import SequenceStore

FEWEST = 16
MOST = 32
SEQUENCES_PER_READ = 1024


def monitored_sequences(store: SequenceStore, indices: np.ndarray) -> np.ndarray:
    """Chooses a subset of the sequences `indices` that contains each of their frames about once.

    Sequences overlap. Scoring all of them would compute most frames many times and add little information. The subset
    has 16 to 32 sequences, spread evenly over the videos, and depends only on the data.

    store: an open SequenceStore. indices: int (N,), N > 0. Returns sorted int (M,).
    """
    ordered = by_video(store, indices)
    number = min(max(round(_distinct_frames(store, indices) / store.shape.length), FEWEST), MOST)
    if number >= len(ordered):
        return np.sort(indices)
    places = (np.arange(number) + 0.5) * len(ordered) / number
    return np.sort(ordered[places.astype(int)])


def _distinct_frames(store: SequenceStore, indices: np.ndarray) -> int:
    """Counts the distinct frames of these sequences. Stops counting when they fill more than MOST sequences."""
    seen = np.empty(0, np.int32)
    for start in range(0, len(indices), SEQUENCES_PER_READ):
        seen = np.union1d(seen, store.read_frame_numbers(indices[start : start + SEQUENCES_PER_READ]))
        if len(seen) > MOST * store.shape.length:
            break
    return len(seen)
