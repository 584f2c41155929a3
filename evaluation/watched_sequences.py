"""The subset of the validation sequences that is scored during training."""

import numpy as np

from pipeline.store.blocks import by_video
from pipeline.store.reader import SequenceStore

FEWEST = 16
MOST = 32


def watched_sequences(store: SequenceStore, indices: np.ndarray) -> np.ndarray:
    """Some of these sequences, which together hold about each of their frames once: sorted int (W,).

    store: an open SequenceStore. indices: int (N,), N > 0. Sequences overlap, so that scoring all of them computes most
    frames many times over, and says little more. They are as many as the different frames fill, but from 16 to 32, and
    lie evenly spread over the videos. The choice depends on the data alone.
    """
    ordered = by_video(store, indices)
    different_frames = len(np.unique(store.sequences[indices]))
    number = min(max(round(different_frames / store.shape.length), FEWEST), MOST)
    if number >= len(ordered):
        return np.sort(indices)
    places = (np.arange(number) + 0.5) * len(ordered) / number
    return np.sort(ordered[places.astype(int)])
