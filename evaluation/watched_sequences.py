"""The subset of the validation sequences that is scored during training."""

import numpy as np

from pipeline.store.blocks import by_video
from pipeline.store.reader import SequenceStore

FEWEST = 16
MOST = 32
SEQUENCES_PER_READ = 1024


def watched_sequences(store: SequenceStore, indices: np.ndarray) -> np.ndarray:
    """Some of these sequences, which together hold about each of their frames once: sorted int (W,).

    store: an open SequenceStore. indices: int (N,), N > 0. Sequences overlap, so that scoring all of them computes most
    frames many times over, and says little more. They are as many as the different frames fill, but from 16 to 32, and
    lie evenly spread over the videos. The choice depends on the data alone.
    """
    ordered = by_video(store, indices)
    number = min(max(round(_different_frames(store, indices) / store.shape.length), FEWEST), MOST)
    if number >= len(ordered):
        return np.sort(indices)
    places = (np.arange(number) + 0.5) * len(ordered) / number
    return np.sort(ordered[places.astype(int)])


def _different_frames(store: SequenceStore, indices: np.ndarray) -> int:
    """How many different frames these sequences hold; where they fill MOST, any number that large."""
    seen = np.empty(0, np.int32)
    for start in range(0, len(indices), SEQUENCES_PER_READ):
        named = store.read_frame_numbers(indices[start : start + SEQUENCES_PER_READ])
        seen = np.union1d(seen, named)
        if len(seen) > MOST * store.shape.length:
            break
    return len(seen)
