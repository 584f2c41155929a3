"""Scores a predictor on the sequences of a store, block by block.

Memory grows by eight bytes per sequence, in SequenceRanking. Everything else has a fixed size per block or per video.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from tqdm import tqdm

from evaluation.confidence import ConfidenceBins, ConfidenceTable
from evaluation.evaluation_blocks import EvaluationBlock, evaluation_blocks
from evaluation.examples import (
    FrameExamples,
    FrameRanking,
    SequenceExample,
    SequenceRanking,
    ranked_frame_examples,
    ranked_sequence_examples,
    spaced_examples,
)
from evaluation.pixel_errors import ErrorSummary, PixelErrors, VideoErrors
from model.predictor import PosePredictor
from pipeline.store.reader import SequenceStore

LABELS_PER_READ = 512


@dataclass(frozen=True)
class Scores:
    """The errors of a model, and examples of its predictions."""

    summary: ErrorSummary
    curves: dict[str, np.ndarray]  # by joint, the share of frames within each of CURVE_THRESHOLDS, float64 (401,)
    mean_pose: ErrorSummary  # of always predicting the mean pose
    video_joint_errors: dict[int, np.ndarray]  # float64 (7,) in pixels, by video number; the worst video comes first
    examples: FrameExamples  # evenly spaced frames
    worst: FrameExamples  # largest error first
    best: FrameExamples  # smallest error first
    sequences: list[SequenceExample]  # the best, the median and the worst
    confidence: ConfidenceTable | None  # None if no frame is in two sequences of a block

    @property
    def video_pixel_error(self) -> dict[int, float]:
        """The mean over the joints, in pixels, by video number, largest first."""
        return {video: float(errors.mean()) for video, errors in self.video_joint_errors.items()}

    def metrics(self) -> dict[str, Any]:
        """The contents of metrics.json. Errors are in pixels."""
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
    """Scores a predictor on the sequences `indices`, int (N,), of an open store.

    mean_pose: float32 (7, 2), pixels; the baseline. shows_progress: show a progress bar after two seconds. Raises
    UserError if a predicted position or a label is NaN or infinite.
    """
    errors, video_errors, confidence = PixelErrors(), VideoErrors(), ConfidenceBins()
    worst = FrameRanking(most=15, most_per_video=3, largest=True)
    best = FrameRanking(most=3, most_per_video=1, largest=False)
    ranking = SequenceRanking()
    for block, predictions in _predicted_blocks(predictor, store, indices, shows_progress):
        errors.add(predictions, block.labels)
        videos = store.videos[block.indices]
        video_errors.add(predictions, block.labels, videos)
        worst.add(predictions, block.labels, block.frame_numbers, videos)
        best.add(predictions, block.labels, block.frame_numbers, videos)
        ranking.add(block.indices, predictions, block.labels)
        confidence.add(block.rows, predictions, block.labels)
    return Scores(
        summary=errors.summary(),
        curves=errors.curves(),
        mean_pose=errors_of_pose(mean_pose, store, indices).summary(),
        video_joint_errors=video_errors.means(),
        examples=spaced_examples(predictor, store, indices),
        worst=ranked_frame_examples(worst, store),
        best=ranked_frame_examples(best, store),
        sequences=ranked_sequence_examples(predictor, store, ranking),
        confidence=confidence.table(),
    )


def errors_of(predictor: PosePredictor, store: SequenceStore, indices: np.ndarray) -> PixelErrors:
    """The pixel errors alone of a predictor on the sequences `indices`, int (N,), of an open store."""
    errors = PixelErrors()
    for block, predictions in _predicted_blocks(predictor, store, indices):
        errors.add(predictions, block.labels)
    return errors


def errors_of_pose(pose: np.ndarray, store: SequenceStore, indices: np.ndarray) -> PixelErrors:
    """The pixel errors of always predicting `pose`, float32 (7, 2) in pixels, on the sequences `indices`, int (N,)."""
    errors = PixelErrors()
    for start in range(0, len(indices), LABELS_PER_READ):
        labels = store.read_labels(indices[start : start + LABELS_PER_READ])
        errors.add(np.broadcast_to(pose, labels.shape), labels)
    return errors


def _predicted_blocks(
    predictor: PosePredictor, store: SequenceStore, indices: np.ndarray, shows_progress: bool = True
) -> Iterator[tuple[EvaluationBlock, np.ndarray]]:
    """Yields each block with its predictions, float32 (B, 10, 7, 2) in pixels."""
    disable = None if shows_progress else True
    with tqdm(
        total=len(indices), desc="evaluating", unit=" sequences", leave=False, disable=disable, delay=2
    ) as progress:
        for block in evaluation_blocks(store, indices):
            yield block, predictor.predict_block(block.frames, block.rows)
            progress.update(len(block.indices))
