"""What a report shows of a model: evenly spaced frames, the worst frames, and whole sequences from best to worst."""

from typing import NamedTuple

import numpy as np

from evaluation.distance import mean_distances
from evaluation.hardest import RankedFrame
from evaluation.sequence_ranking import SequenceRanking
from model.predictor import PosePredictor
from pipeline.store.reader import SequenceStore

EXAMPLES = 15


class FrameExamples(NamedTuple):
    """K frames, uint8 (K, 64, 64, 3). labels, predictions: (K, 7, 2), pixels. titles: one each, or None."""

    frames: np.ndarray
    labels: np.ndarray
    predictions: np.ndarray
    titles: list[str] | None = None


class SequenceExample(NamedTuple):
    """title: text. frames: uint8 (10, 64, 64, 3). labels, predictions: (10, 7, 2), pixels."""

    title: str
    frames: np.ndarray
    labels: np.ndarray
    predictions: np.ndarray


def spaced_examples(predictor: PosePredictor, store: SequenceStore, indices: np.ndarray) -> FrameExamples:
    """The last frame of up to 15 of these sequences, int (N,), evenly spaced."""
    chosen = indices[np.linspace(0, len(indices) - 1, min(EXAMPLES, len(indices))).round().astype(int)]
    frames, labels = store.read_sequences(chosen)
    predictions = predictor.predict(frames)
    return FrameExamples(frames[:, -1], labels[:, -1], predictions[:, -1])


def frame_examples(kept: list[RankedFrame], store: SequenceStore) -> FrameExamples:
    """These frames, titled by their videos."""
    return FrameExamples(
        store.read_frames(np.array([one.frame for one in kept])),
        np.stack([one.label for one in kept]),
        np.stack([one.prediction for one in kept]),
        [f"video {one.video}" for one in kept],
    )


def ranked_examples(predictor: PosePredictor, store: SequenceStore, ranking: SequenceRanking) -> list[SequenceExample]:
    """The best, the middle and the worst of a SequenceRanking of the store's sequences, as far as there are three."""
    chosen = ranking.best_middle_worst()
    indices = np.array(list(chosen.values()))
    frames, labels = store.read_sequences(indices)
    predictions = predictor.predict(frames)
    errors = mean_distances(predictions, labels).mean(axis=1)
    titles = [
        f"{rank}: {error:.2f} px (video {store.videos[index]}, sequence {index})"
        for (rank, index), error in zip(chosen.items(), errors, strict=True)
    ]
    return [SequenceExample(*parts) for parts in zip(titles, frames, labels, predictions, strict=True)]
