"""Which sequences a model does best, middling and worst on, from one error kept of each."""

import numpy as np

from evaluation.distance import mean_distances


class SequenceRanking:
    """Keeps the number and the mean pixel error of each sequence added: eight bytes a sequence."""

    def __init__(self) -> None:
        self._indices: list[np.ndarray] = []
        self._errors: list[np.ndarray] = []

    def add(self, indices: np.ndarray, predictions: np.ndarray, labels: np.ndarray) -> None:
        """Adds a batch: sequence numbers, int (B,); positions (B, 10, 7, 2), pixels."""
        self._indices.append(np.asarray(indices, np.int32))
        self._errors.append(mean_distances(predictions, labels).mean(axis=1).astype(np.float32))

    def best_middle_worst(self) -> dict[str, int]:
        """A dict from "best", "middle" and "worst" to a sequence number; no sequence is in it twice.

        The middle one is the lower median. Of two sequences there is no middle, of one only the best.
        """
        indices, errors = np.concatenate(self._indices), np.concatenate(self._errors)
        order = indices[np.lexsort((indices, errors))].tolist()
        if len(order) < 3:
            return dict(zip(("best", "worst"), order, strict=False))
        return {"best": order[0], "middle": order[(len(order) - 1) // 2], "worst": order[-1]}
