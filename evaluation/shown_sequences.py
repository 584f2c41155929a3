"""The best, the middle and the worst sequence, with what a model makes of all of their frames."""

from typing import NamedTuple

import numpy as np


class ShownSequence(NamedTuple):
    """title: text. frames: uint8 (10, 64, 64, 3). labels, predictions: (10, 7, 2), pixels."""

    title: str
    frames: np.ndarray
    labels: np.ndarray
    predictions: np.ndarray


def predict_shown_sequences(predictor, store, ranking):
    """A list of up to three ShownSequences: those of a SequenceRanking of sequences of an open SequenceStore."""
    chosen = ranking.best_middle_worst()
    indices = np.array(list(chosen.values()))
    frames, labels = store.read_sequences(indices)
    predictions = predictor.predict(frames)
    errors = np.linalg.norm(predictions.astype(np.float64) - labels, axis=-1).mean(axis=(1, 2))
    titles = [
        f"{rank}: {error:.2f} px (video {store.videos[index]}, sequence {index})"
        for (rank, index), error in zip(chosen.items(), errors)
    ]
    return [ShownSequence(*parts) for parts in zip(titles, frames, labels, predictions)]
