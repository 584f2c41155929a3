"""The frames and sequences that a report shows: evenly spaced ones, and those with the largest and smallest errors."""

import heapq
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from evaluation.pixel_errors import mean_distances
from model.predictor import PosePredictor
from pipeline.store.reader import SequenceStore

SPACED_FRAMES = 15


@dataclass(frozen=True)
class FrameExamples:
    """K frames with their labels and predictions."""

    frames: np.ndarray  # uint8 (K, 64, 64, 3)
    labels: np.ndarray  # (K, 7, 2), pixels
    predictions: np.ndarray  # (K, 7, 2), pixels
    titles: list[str] | None = None  # one for each frame


@dataclass(frozen=True)
class SequenceExample:
    """A sequence with its labels and predictions."""

    title: str
    frames: np.ndarray  # uint8 (10, 64, 64, 3)
    labels: np.ndarray  # (10, 7, 2), pixels
    predictions: np.ndarray  # (10, 7, 2), pixels


@dataclass(frozen=True)
class RankedFrame:
    """A frame with the mean error of its joints."""

    error: float  # pixels
    frame: int  # frame number in the store
    video: int  # video number in the store
    label: np.ndarray  # (7, 2), pixels
    prediction: np.ndarray  # (7, 2), pixels


class FrameRanking:
    """Keeps the `most` frames with the largest errors, or the smallest, and at most `most_per_video` of one video.

    A frame in several sequences counts once: with its largest error, or its smallest.
    """

    def __init__(self, most: int, most_per_video: int, largest: bool) -> None:
        self._most = most
        self._most_per_video = most_per_video
        self._sign = -1 if largest else 1
        self._kept: list[RankedFrame] = []

    def add(self, predictions: np.ndarray, labels: np.ndarray, frames: np.ndarray, videos: np.ndarray) -> None:
        """Adds a batch: positions (B, 10, 7, 2) in pixels, and the numbers of frames, int (B, 10), and videos, (B,)."""
        errors = mean_distances(predictions, labels)
        order = np.argsort(self._sign * errors, axis=None, kind="stable")
        batch = (
            RankedFrame(float(errors[i, j]), int(frames[i, j]), int(videos[i]), labels[i, j], predictions[i, j])
            for i, j in zip(*np.unravel_index(order, errors.shape), strict=True)
        )
        self._keep(heapq.merge(self._kept, batch, key=lambda one: self._sign * one.error))

    def _keep(self, ranked: Iterable[RankedFrame]) -> None:
        chosen: dict[int, RankedFrame] = {}
        of_video: Counter[int] = Counter()
        for one in ranked:
            if one.frame not in chosen and of_video[one.video] < self._most_per_video:
                # Copies, so that the arrays of the batch can be freed.
                chosen[one.frame] = replace(one, label=one.label.copy(), prediction=one.prediction.copy())
                of_video[one.video] += 1
                if len(chosen) == self._most:
                    break
        self._kept = list(chosen.values())

    def frames(self) -> list[RankedFrame]:
        """Returns the kept frames. The largest error comes first, or the smallest."""
        return self._kept


class SequenceRanking:
    """Keeps the number and the mean pixel error of each sequence, which takes eight bytes per sequence."""

    def __init__(self) -> None:
        self._indices: list[np.ndarray] = []
        self._errors: list[np.ndarray] = []

    def add(self, indices: np.ndarray, predictions: np.ndarray, labels: np.ndarray) -> None:
        """Adds a batch: sequence numbers, int (B,), and positions (B, 10, 7, 2) in pixels."""
        self._indices.append(np.asarray(indices, np.int32))
        self._errors.append(mean_distances(predictions, labels).mean(axis=1).astype(np.float32))

    def best_median_worst(self) -> dict[str, int]:
        """Maps "best", "median" (the lower one) and "worst" to different sequence numbers.

        Two sequences have no median, and a single one is only the best.
        """
        indices, errors = np.concatenate(self._indices), np.concatenate(self._errors)
        order = indices[np.lexsort((indices, errors))].tolist()
        if len(order) < 3:
            return dict(zip(("best", "worst"), order, strict=False))
        return {"best": order[0], "median": order[(len(order) - 1) // 2], "worst": order[-1]}


def spaced_examples(predictor: PosePredictor, store: SequenceStore, indices: np.ndarray) -> FrameExamples:
    """Predicts the last frames of up to 15 evenly spaced sequences of `indices`, int (N,)."""
    chosen = indices[np.linspace(0, len(indices) - 1, min(SPACED_FRAMES, len(indices))).round().astype(int)]
    frames, labels = store.read_sequences(chosen)
    predictions = predictor.predict(frames)
    return FrameExamples(frames[:, -1], labels[:, -1], predictions[:, -1])


def ranked_frame_examples(ranking: FrameRanking, store: SequenceStore) -> FrameExamples:
    """Reads the frames of a ranking. Their titles name their videos."""
    kept = ranking.frames()
    return FrameExamples(
        frames=store.read_frames(np.array([one.frame for one in kept])),
        labels=np.stack([one.label for one in kept]),
        predictions=np.stack([one.prediction for one in kept]),
        titles=[f"video {one.video}" for one in kept],
    )


def ranked_sequence_examples(
    predictor: PosePredictor, store: SequenceStore, ranking: SequenceRanking
) -> list[SequenceExample]:
    """Predicts the best, the median and the worst sequence again."""
    chosen = ranking.best_median_worst()
    indices = np.array(list(chosen.values()))
    frames, labels = store.read_sequences(indices)
    predictions = predictor.predict(frames)
    errors = mean_distances(predictions, labels).mean(axis=1)
    titles = [
        f"{rank.capitalize()}: {error:.2f} px (video {store.videos[index]}, sequence {index})"
        for (rank, index), error in zip(chosen.items(), errors, strict=True)
    ]
    return [SequenceExample(*parts) for parts in zip(titles, frames, labels, predictions, strict=True)]
