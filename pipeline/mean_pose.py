"""The mean pose: a prediction that ignores the frames, and so the baseline that every model has to beat."""

import numpy as np

from pipeline.joints import JOINT_NAMES
from pipeline.store.reader import SequenceStore

SEQUENCES_PER_READ = 512


def mean_pose(store: SequenceStore, indices: np.ndarray) -> np.ndarray:
    """The mean over sequences and frames of each joint's position: float32 (7, 2), x and y in pixels.

    indices: int (N,), N > 0, the sequences to average. Memory does not grow with N.
    """
    total = np.zeros((len(JOINT_NAMES), 2))
    for start in range(0, len(indices), SEQUENCES_PER_READ):
        labels = store.read_labels(indices[start : start + SEQUENCES_PER_READ])
        total += labels.mean(axis=1, dtype=np.float64).sum(axis=0)
    return (total / len(indices)).astype(np.float32)
