"""Grades submissions, several at a time, each model in a separate process."""

from __future__ import annotations

import hashlib
import multiprocessing
import os
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, replace
from itertools import islice

import msgspec
import numpy as np

from evaluation.examples import FrameExamples
from evaluation.scores import Scores, score
from grading.stored_grade import (
    MEETS_REQUIREMENTS,
    NOT_SCORED,
    SCORED_WITH_BREACHES,
    Grade,
    GradeScores,
    ShownFrame,
    read_grade,
    write_grade,
)
from grading.submissions import Submission, submission_digest, unpacked
from model.export.found_model import find_model
from model.sandboxed.sandboxed_model import sandboxed_model
from pipeline.store.reader import SequenceStore
from report.error_table import mean_share_within
from report.overlays import draw_frame
from report.provenance import weights_sha256
from support.sandbox.limits import Limits
from support.text import printable
from support.user_error import UserError

SHOWN_FRAMES = 3
# Increase it when the same files would get another grade or other messages: stored grades are then graded again.
GRADING_VERSION = 2


@dataclass(frozen=True)
class GradingTask:
    """What all submissions are graded on."""

    store: SequenceStore  # open
    mean_pose: np.ndarray  # float32 (7, 2), pixels
    limits: Limits
    trust: bool  # whether to run models with ops that no network needs
    folder: str  # where grades are stored


def grade_submissions(submissions: Sequence[Submission], task: GradingTask, jobs: int) -> Iterator[Grade]:
    """Yields the Grade of each submission, in order of completion. Stored grades of unchanged submissions are reused.

    jobs: number of submissions graded at the same time. Each grade is stored as soon as it is complete.
    """
    os.makedirs(task.folder, exist_ok=True)
    with ThreadPoolExecutor(jobs) as pool:
        futures = [pool.submit(_stored_or_new_grade, submission, task) for submission in submissions]
        try:
            for future in as_completed(futures):
                yield future.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            # A thread that waits for a model returns when the model's process ends.
            for process in multiprocessing.active_children():
                process.kill()
            raise


def _stored_or_new_grade(submission: Submission, task: GradingTask) -> Grade:
    path = os.path.join(task.folder, f"{hashlib.sha256(submission.student.encode()).hexdigest()[:16]}.json")
    fingerprint = _fingerprint(submission, task)
    stored = read_grade(path)
    if stored is not None and stored.fingerprint == fingerprint:
        return stored
    grade = _grade(submission, task, fingerprint)
    write_grade(path, grade)
    return grade


def _fingerprint(submission: Submission, task: GradingTask) -> str:
    """Returns a digest of everything the grade depends on."""
    data = task.store.source_sha256, len(task.store), task.store.number_of_frames, task.store.shape
    inputs = GRADING_VERSION, submission.student, submission_digest(submission), data, task.limits, task.trust
    return hashlib.sha256(msgspec.json.encode(inputs)).hexdigest()


def _grade(submission: Submission, task: GradingTask, fingerprint: str) -> Grade:
    started = time.monotonic()
    grade = Grade(submission.student, NOT_SCORED, (), (), None, 0.0, None, None, None, fingerprint)
    try:
        with unpacked(submission) as folder:
            grade = _grade_folder(grade, folder, task)
    except UserError as error:
        grade = replace(grade, breaches=error.messages)
    except OSError as error:
        grade = replace(grade, breaches=(f"the submission cannot be read: {error.strerror}",))
    # Messages name the submission, not its path on the grader's machine.
    path, name = submission.path, os.path.basename(submission.path)
    breaches = tuple(printable(line.removeprefix(f"{path}: ").replace(path, name)) for line in grade.breaches)
    return replace(grade, breaches=breaches, seconds=time.monotonic() - started)


def _grade_folder(grade: Grade, folder: str, task: GradingTask) -> Grade:
    """Completes the Grade of a submission unpacked in `folder`. Raises UserError if the folder has no model."""
    grade = replace(grade, weights_sha256=weights_sha256(find_model(folder).folder))
    try:
        with sandboxed_model(folder, task.store.shape, task.trust, task.limits) as model:
            grade = replace(
                grade,
                breaches=tuple(line.replace(f"{folder}{os.sep}", "").replace(folder, ".") for line in model.breaches),
                warnings=tuple(map(printable, model.warnings)),
                tensorflow_version=model.tensorflow_version and printable(model.tensorflow_version),
            )
            if model.predictor is not None:
                scores = score(model.predictor, task.store, np.arange(len(task.store)), task.mean_pose, False)
                verdict = SCORED_WITH_BREACHES if model.breaches else MEETS_REQUIREMENTS
                grade = replace(grade, verdict=verdict, scores=_grade_scores(scores))
            return replace(grade, peak_megabytes=model.process.peak_megabytes())
    except UserError as error:
        messages = (message.removeprefix(f"{folder}: ") for message in error.messages)
        return replace(grade, verdict=NOT_SCORED, scores=None, breaches=(*grade.breaches, *messages))


def _grade_scores(scores: Scores) -> GradeScores:
    summary = scores.summary
    return GradeScores(
        pixel_error=summary["mean_pixel_error"],
        joint_errors=dict(summary["pixel_error"]),
        within_5=mean_share_within(summary, 5),
        within_10=mean_share_within(summary, 10),
        mean_pose_error=scores.mean_pose["mean_pixel_error"],
        worst=_shown_frames(scores.worst),
        best=_shown_frames(scores.best),
    )


def _shown_frames(examples: FrameExamples) -> tuple[ShownFrame, ...]:
    """Draws the first three frames."""
    rows = zip(examples.titles or [], examples.frames, examples.labels, examples.predictions, strict=True)
    shown = []
    for title, frame, label, prediction in islice(rows, SHOWN_FRAMES):
        drawn = draw_frame(frame, label, prediction)
        shown.append(ShownFrame(f"{title}: {drawn.error:.1f} px", drawn))
    return tuple(shown)
