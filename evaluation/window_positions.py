"""Each frame's joint positions over the windows that hold it: their mean, and how far they disagree."""

from typing import NamedTuple

import numpy as np

from pipeline.joints import JOINT_NAMES


class Positions(NamedTuple):
    """The mean over the windows that hold a frame, and how far they disagree; of several frames, with an axis more.

    joints: float32 (7, 2), x and y in pixels. spread: float32 (7,), the standard deviation of the windows' positions in
    pixels, of both axes together; NaN of a single window, which is all that holds the first frame of a video and the
    last.
    """

    joints: np.ndarray
    spread: np.ndarray


def empty_sums(frames: int) -> np.ndarray:
    """Of each frame and joint the sums of x, of y and of their squares, and of how many: float64 (frames, 7, 4)."""
    return np.zeros((frames, len(JOINT_NAMES), 4))


def add_windows(sums: np.ndarray, rows: np.ndarray, predictions: np.ndarray) -> None:
    """Adds to sums, as `empty_sums` gives them: int rows (B, 10) of them, and positions (B, 10, 7, 2) in pixels."""
    positions = predictions.astype(np.float64)
    squares = np.square(positions).sum(axis=-1, keepdims=True)
    np.add.at(sums, rows, np.concatenate([positions, squares, np.ones_like(squares)], axis=-1))


def positions_of(sums: np.ndarray) -> Positions:
    """The Positions of sums (..., 7, 4), each frame of which is in a window or more."""
    counts = sums[..., 3]
    means = sums[..., :2] / counts[..., np.newaxis]
    with np.errstate(invalid="ignore", over="ignore"):  # of models that yield infinities
        # Rounding can make it negative where all windows agree.
        squares = np.maximum(sums[..., 2] - counts * np.square(means).sum(axis=-1), 0)
        variance = np.divide(squares, counts - 1, out=np.full_like(squares, np.nan), where=counts > 1)
        return Positions(means.astype(np.float32), np.sqrt(variance).astype(np.float32))
