"""Scores a predictor on the sequences of a store, as a stream: memory does not grow with their number."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from tqdm import tqdm

from evaluation.best_frames import BestFrames
from evaluation.blocks import EvaluationBlock, evaluation_blocks
from evaluation.confidence_bins import ConfidenceBins, ConfidenceTable
from evaluation.examples import FrameExamples, SequenceExample, frame_examples, ranked_examples, spaced_examples
from evaluation.hardest import Hardest
from evaluation.pixel_errors import PixelErrors, Summary
from evaluation.sequence_ranking import SequenceRanking
from model.predictor import PosePredictor
from pipeline.store.reader import SequenceStore

LABELS_PER_READ = 512


class Scores(NamedTuple):
    """What a model scores, and what there is to show of it.

    summary: of the model's PixelErrors. mean_pose: of the PixelErrors of always predicting the mean pose.
    video_pixel_error: pixels by video, the largest first. hardest: a line on the hardest videos, or None. examples:
    evenly spaced frames. worst: the worst frames. best: the best ones. sequences: the best, the middle and the worst.
    confidence: the errors by confidence, or None where no frame is in two sequences of a block.
    """

    summary: Summary
    mean_pose: Summary
    video_pixel_error: dict[int, float]
    hardest: str | None
    examples: FrameExamples
    worst: FrameExamples
    best: FrameExamples
    sequences: list[SequenceExample]
    confidence: ConfidenceTable | None

    def metrics(self) -> dict[str, Any]:
        """What metrics.json holds; errors in pixels."""
        return {
            **self.summary,
            "mean_pose_pixel_error": self.mean_pose["mean_pixel_error"],
            "video_pixel_error": self.video_pixel_error,
        }


def score(
    predictor: PosePredictor,
    store: SequenceStore,
    indices: np.ndarray,
    mean_pose: np.ndarray,
    shows_progress: bool = True,
) -> Scores:
    """Scores a predictor on these sequences, int (N,), of an open store.

    mean_pose: float32 (7, 2) pixels, which the model is compared with. shows_progress: whether a progress bar is shown
    where that takes long. Raises UserError where positions are NaN or infinite.
    """
    errors, hardest, best = PixelErrors(), Hardest(), BestFrames()
    ranking, confidence = SequenceRanking(), ConfidenceBins()
    for block, predictions in _predicted_blocks(predictor, store, indices, shows_progress):
        errors.add(predictions, block.labels)
        videos = store.videos[block.indices]
        hardest.add(predictions, block.labels, block.frame_numbers, videos)
        best.add(predictions, block.labels, block.frame_numbers, videos)
        ranking.add(block.indices, predictions, block.labels)
        confidence.add(block.rows, predictions, block.labels)
    return Scores(
        errors.summary(),
        errors_of_pose(mean_pose, store, indices).summary(),
        hardest.video_pixel_error(),
        hardest.summary_line(),
        spaced_examples(predictor, store, indices),
        frame_examples(hardest.worst_frames(), store),
        frame_examples(best.frames(), store),
        ranked_examples(predictor, store, ranking),
        confidence.table(),
    )


def errors_of(predictor: PosePredictor, store: SequenceStore, indices: np.ndarray) -> PixelErrors:
    """The PixelErrors alone of a predictor on these sequences, int (N,), of an open store."""
    errors = PixelErrors()
    for block, predictions in _predicted_blocks(predictor, store, indices):
        errors.add(predictions, block.labels)
    return errors


def errors_of_pose(pose: np.ndarray, store: SequenceStore, indices: np.ndarray) -> PixelErrors:
    """The PixelErrors of always predicting `pose`, float32 (7, 2) pixels, on these sequences, int (N,)."""
    errors = PixelErrors()
    for start in range(0, len(indices), LABELS_PER_READ):
        labels = store.read_labels(indices[start : start + LABELS_PER_READ])
        errors.add(np.broadcast_to(pose, labels.shape), labels)
    return errors


def _predicted_blocks(
    predictor: PosePredictor, store: SequenceStore, indices: np.ndarray, shows_progress: bool = True
) -> Iterator[tuple[EvaluationBlock, np.ndarray]]:
    """Yields each block of these sequences with its predictions; the progress bar appears after two seconds."""
    disable = None if shows_progress else True
    with tqdm(
        total=len(indices), desc="evaluating", unit=" sequences", leave=False, disable=disable, delay=2
    ) as progress:
        for block in evaluation_blocks(store, indices):
            yield block, predictor.predict_block(block.frames, block.rows)
            progress.update(len(block.indices))
