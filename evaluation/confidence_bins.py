"""How the error of a position goes with its confidence, in ten bins that are summed up block by block."""

from typing import NamedTuple

import numpy as np

from evaluation.confidence import WITHIN, confidence_of
from evaluation.distance import pixel_distances
from evaluation.window_positions import add_windows, empty_sums, positions_of

BINS = 10


class ConfidenceTable(NamedTuple):
    """Of each tenth of the confidence, from 0 to 0.1 up to from 0.9 to 1.

    positions: int64 (10,), how many joints of frames have such a confidence. mean_errors: float64 (10,), pixels.
    shares_within: float64 (10,), the share that is at most WITHIN pixels off, 0 to 1. Both are NaN where there are no
    positions.
    """

    positions: np.ndarray
    mean_errors: np.ndarray
    shares_within: np.ndarray


class ConfidenceBins:
    """Sums by confidence of the errors of all blocks added so far; holds no predictions and no frames.

    The position of a joint is, as in a video, the mean over the windows that hold the frame, and its confidence comes
    from their spread. Frames that only one sequence of a block holds have none, and are left out.
    """

    def __init__(self) -> None:
        self._positions = np.zeros(BINS, np.int64)
        self._within = np.zeros(BINS, np.int64)
        self._error_sums = np.zeros(BINS)

    def add(self, rows: np.ndarray, predictions: np.ndarray, labels: np.ndarray) -> None:
        """Adds a block: which of its D frames the sequences hold, int (B, 10), from 0 to D - 1, each in a sequence.

        predictions and labels: float (B, 10, 7, 2), finite, pixels. A frame's label is that in the first sequence.
        """
        numbers, first_places = np.unique(rows, return_index=True)
        sums = empty_sums(len(numbers))
        add_windows(sums, rows, predictions)
        chosen = _sequences_with(rows, len(numbers)) > 1
        joints, spread = positions_of(sums[chosen])
        truth = labels.reshape(-1, *labels.shape[2:])[first_places[chosen]]
        errors = pixel_distances(joints, truth).ravel()
        bins = np.minimum((confidence_of(spread) * BINS).astype(int), BINS - 1).ravel()
        self._positions += np.bincount(bins, minlength=BINS)
        self._within += np.bincount(bins[errors <= WITHIN], minlength=BINS)
        self._error_sums += np.bincount(bins, errors, minlength=BINS)

    def table(self) -> ConfidenceTable | None:
        """The ConfidenceTable, or None where no frame was in two sequences of a block."""
        if not self._positions.any():
            return None
        counts = np.where(self._positions, self._positions, np.nan)
        return ConfidenceTable(self._positions.copy(), self._error_sums / counts, self._within / counts)


def _sequences_with(rows: np.ndarray, frames: int) -> np.ndarray:
    """How many of these sequences, int (B, 10), hold each frame; one that holds it twice counts once."""
    once = np.unique(rows + frames * np.arange(len(rows))[:, np.newaxis])
    return np.bincount(once % frames, minlength=frames)
