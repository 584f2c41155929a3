"""The one distance that errors are measured in: from a predicted joint to the true one."""

import numpy as np


def pixel_distances(predictions: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """The Euclidean distance of each joint: positions (..., 7, 2) twice, pixels → float64 (..., 7), pixels."""
    return np.sqrt(squared_distances(predictions, labels))


def squared_distances(predictions: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """The squares of `pixel_distances`: float64 (..., 7), px²."""
    offsets = np.asarray(predictions, np.float64) - labels
    return np.square(offsets).sum(axis=-1)


def mean_distances(predictions: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """The mean of `pixel_distances` over the joints: float64 (...), one number a frame, pixels."""
    return pixel_distances(predictions, labels).mean(axis=-1)
