"""The frames on which a model is nearest, one of each of the three best videos, kept while errors stream by."""

import numpy as np

from evaluation.distance import mean_distances
from evaluation.hardest import RankedFrame

BEST_FRAMES = 3


class BestFrames:
    """Keeps the best frame of each of the three videos that have the best ones."""

    def __init__(self) -> None:
        self._best: dict[int, RankedFrame] = {}

    def add(self, predictions: np.ndarray, labels: np.ndarray, frames: np.ndarray, videos: np.ndarray) -> None:
        """Adds a batch, as Hardest.add does."""
        errors = mean_distances(predictions, labels)
        for video in np.unique(videos).tolist():
            of_video = np.where((videos == video)[:, np.newaxis], errors, np.inf)
            sequence, step = np.unravel_index(int(np.argmin(of_video)), errors.shape)
            error = float(errors[sequence, step])
            if video in self._best and error >= self._best[video].error:
                continue
            label, prediction = labels[sequence, step].copy(), predictions[sequence, step].copy()
            self._best[video] = RankedFrame(error, int(frames[sequence, step]), video, label, prediction)
        if len(self._best) > BEST_FRAMES:
            self._best = {kept.video: kept for kept in self.frames()[:BEST_FRAMES]}

    def frames(self) -> list[RankedFrame]:
        """Up to three frames, the best first."""
        return sorted(self._best.values(), key=lambda kept: (kept.error, kept.video))
