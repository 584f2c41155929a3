"""The mean pose: what a predictor that looks at nothing would answer, and so what every model has to beat."""

import numpy as np

from pipeline.joints import JOINT_NAMES

SEQUENCES_PER_READ = 512


def mean_pose(store, indices):
    """The mean over sequences and frames of each joint's position: float32 (7, 2), x and y in pixels.

    store: an open SequenceStore. indices: int (N,), N > 0, the sequences to average. Memory does not grow with N.
    """
    total = np.zeros((len(JOINT_NAMES), 2))
    for start in range(0, len(indices), SEQUENCES_PER_READ):
        total += (
            store.read_labels(indices[start : start + SEQUENCES_PER_READ]).mean(axis=1, dtype=np.float64).sum(axis=0)
        )
    return (total / len(indices)).astype(np.float32)
