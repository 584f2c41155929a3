"""Joint positions averaged over overlapping windows, the confidence in each position, and the errors by confidence.

A window is a sequence of ten consecutive frames. The more its windows disagree about a frame, the lower the confidence.

An alternative is to compare the predictions for a frame and its mirror image. It is slightly better, but the model
outputs only the average of both, so each frame would have to be computed once more. "Video" in docs/EXPERIMENTS.md has
the figures.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from evaluation.pixel_errors import pixel_distances
from pipeline.joints import JOINT_NAMES

# The confidence is the share of positions that are at most WITHIN pixels off, as a logistic curve of the logarithm of
# the spread. It was fitted on ten people of YouTube Pose who are not in the model's training data.
# `python -m bench.own_video` measures how well it fits the same people in larger pictures.
WITHIN = 5  # pixels of the 64×64 frame
HALFWAY = 1.21  # pixels of spread at which the confidence is 0.5
STEEPNESS = 1.43

# Below this confidence, more than half of the positions are more than WITHIN pixels off.
LOW = 0.5

BINS = 10


@dataclass(frozen=True)
class Positions:
    """The positions in one frame, averaged over the windows that contain it; several frames add a leading axis."""

    joints: np.ndarray  # float32 (7, 2), x and y in pixels
    spread: np.ndarray  # float32 (7,), standard deviation of both axes together, pixels; NaN for a single window


def empty_sums(frames: int) -> np.ndarray:
    """For each frame and joint: the sums of x, of y and of their squares, and the count. float64 (frames, 7, 4)."""
    return np.zeros((frames, len(JOINT_NAMES), 4))


def add_windows(sums: np.ndarray, rows: np.ndarray, predictions: np.ndarray) -> None:
    """Adds windows to `sums`, in place: int rows (B, 10) of `sums`, and positions (B, 10, 7, 2) in pixels."""
    positions = predictions.astype(np.float64)
    squares = np.square(positions).sum(axis=-1, keepdims=True)
    np.add.at(sums, rows, np.concatenate([positions, squares, np.ones_like(squares)], axis=-1))


def positions_of(sums: np.ndarray) -> Positions:
    """Converts sums (..., 7, 4), with at least one window for each frame, to Positions."""
    counts = sums[..., 3]
    means = sums[..., :2] / counts[..., np.newaxis]
    with np.errstate(invalid="ignore", over="ignore"):  # some models output infinities
        # Rounding can make this negative if all windows agree.
        squares = np.maximum(sums[..., 2] - counts * np.square(means).sum(axis=-1), 0)
        variance = np.divide(squares, counts - 1, out=np.full_like(squares, np.nan), where=counts > 1)
        return Positions(means.astype(np.float32), np.sqrt(variance).astype(np.float32))


def confidence_of(spread: np.ndarray) -> np.ndarray:
    """Converts the spread in pixels to a confidence from 0 to 1, same shape; NaN if the spread is NaN."""
    with np.errstate(over="ignore"):  # some models output enormous numbers
        return np.float32(1) / (1 + (spread / np.float32(HALFWAY)) ** np.float32(STEEPNESS))


@dataclass(frozen=True)
class ConfidenceTable:
    """The errors in each of ten bins of confidence: 0 to 0.1, ..., 0.9 to 1. NaN in empty bins."""

    positions: np.ndarray  # int64 (10,), how many joint positions have such a confidence
    mean_errors: np.ndarray  # float64 (10,), pixels
    shares_within: np.ndarray  # float64 (10,), the share that is at most WITHIN pixels off, 0 to 1


class ConfidenceBins:
    """Sums up errors by confidence, block by block. Stores neither predictions nor frames.

    As in a video, a joint's position is the mean over the windows that contain the frame, and its confidence follows
    from their spread. Frames that only one sequence of a block contains have no confidence and are left out.
    """

    def __init__(self) -> None:
        self._positions = np.zeros(BINS, np.int64)
        self._within = np.zeros(BINS, np.int64)
        self._error_sums = np.zeros(BINS)

    def add(self, rows: np.ndarray, predictions: np.ndarray, labels: np.ndarray) -> None:
        """Adds a block of B sequences over D distinct frames.

        rows: int (B, 10), the frames of each sequence, 0 to D - 1; each is in at least one sequence. predictions and
        labels: float (B, 10, 7, 2), finite, pixels. A frame's label is taken from the first sequence that contains it.
        """
        numbers, first_places = np.unique(rows, return_index=True)
        sums = empty_sums(len(numbers))
        add_windows(sums, rows, predictions)
        chosen = _sequences_with(rows, len(numbers)) > 1
        averaged = positions_of(sums[chosen])
        truth = labels.reshape(-1, *labels.shape[2:])[first_places[chosen]]
        errors = pixel_distances(averaged.joints, truth).ravel()
        bins = np.minimum((confidence_of(averaged.spread) * BINS).astype(int), BINS - 1).ravel()
        self._positions += np.bincount(bins, minlength=BINS)
        self._within += np.bincount(bins[errors <= WITHIN], minlength=BINS)
        self._error_sums += np.bincount(bins, errors, minlength=BINS)

    def table(self) -> ConfidenceTable | None:
        """Returns None if no frame was in two sequences of a block."""
        if not self._positions.any():
            return None
        counts = np.where(self._positions, self._positions, np.nan)
        return ConfidenceTable(self._positions.copy(), self._error_sums / counts, self._within / counts)


def _sequences_with(rows: np.ndarray, frames: int) -> np.ndarray:
    """Counts the sequences, int rows (B, 10), that contain each frame. A sequence with a repeated frame counts once."""
    once = np.unique(rows + frames * np.arange(len(rows))[:, np.newaxis])
    return np.bincount(once % frames, minlength=frames)
