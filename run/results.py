"""What a run says of its results, in the terminal and in the report: the final error, a warning, what to hand in."""

from __future__ import annotations

import os
from collections.abc import Sequence

import numpy as np

from evaluation.scores import Scores
from pipeline.sequence_shape import COURSE_SHAPE, SequenceShape
from pipeline.store.frame_sharing import count_sharing_frames
from report.plots import HistoryRow
from run.data import RunData, measured_by_validation
from run.folder import RunPaths
from run.settings import Settings
from support.text import counted

FEWEST_SEQUENCES = 100  # that the assignment wants the final average pixel error to be computed on


def final_error(scores: Scores) -> str:
    """The assignment's figure, and on how many sequences it was computed."""
    number, fewest = scores.summary["sequences"], FEWEST_SEQUENCES
    error = f"{scores.summary['mean_pixel_error']:.2f} px on {counted(number, 'validation sequence')}"
    too_few = f"; the assignment asks for at least {fewest}: --validation-sequences {fewest}" if number < fewest else ""
    return f"final average pixel error: {error}{too_few}"


def worse_than_mean_pose(scores: Scores, settings: Settings) -> str | None:
    """A sentence with advice if always predicting the mean pose is at least as good as the model, else None."""
    error, mean_pose = scores.summary["mean_pixel_error"], scores.mean_pose["mean_pixel_error"]
    if error < mean_pose:
        return None
    advice = "train longer (--epochs or --time-limit)"
    if settings.augment and not settings.demo:
        advice += ", or with --no-augment if the test data share frames with the training data, as the course's do"
    return (
        f"this model ({error:.2f} px) is no better than always predicting the mean pose ({mean_pose:.2f} px); {advice}"
    )


def what_to_hand_in(paths: RunPaths, settings: Settings, shape: SequenceShape) -> list[str]:
    """Lines on what goes where. shape: of the sequences that the run was trained on."""
    if shape != COURSE_SHAPE:
        return [f"nothing: the assignment requires {COURSE_SHAPE}"]
    if settings.demo:
        return ["nothing: this model was trained on drawn people; train on the course's file first"]
    return [
        f"to the drive: the four files in {paths.model}",
        "to the course's site: the report and the code, in the zip that this command writes:",
        f'python make_submission.py "{paths.out}"',
    ]


def about_data(settings: Settings, data: RunData) -> str:
    """Sentences on both sides of the split, on the frames they share, and on what the validation error measures."""
    videos = counted(len(np.unique(data.store.videos[data.training])), "video")
    validation_videos = counted(len(np.unique(data.validation_store.videos[data.validation])), "video")
    shared = count_sharing_frames(data.store, data.training, data.validation_store, data.validation)
    source = os.path.basename(settings.validation_data or "") or f"split: {settings.validation_split}"
    return (
        f"Trained on {counted(len(np.unique(data.training)), 'sequence')} from {videos}. "
        f"Validated on {counted(len(data.validation), 'sequence')} from {validation_videos} ({source}), "
        f"of which {shared} share frames with training. "
        f"The validation error measures {measured_by_validation(settings, data, shared)}."
    )


def about_training(history: Sequence[HistoryRow], data: RunData) -> str:
    """Sentences on the duration of the training, and on which weights were exported. history: at least one row."""
    last, best = history[-1], min(history, key=lambda row: row["validation_pixel_error"])
    chosen = f"from iteration {best['step']}, the best of {len(history)} evaluations"
    if data.validates_on_training:
        chosen = "from the last evaluation, because no data was held out to select the best"
    return (
        f"Trained for {counted(int(last['step']), 'iteration')} ({counted(int(last['epoch']), 'whole epoch')}) "
        f"in {last['seconds']:.0f} s. The model is {chosen}."
    )
