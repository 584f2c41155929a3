"""Grades submissions, several at a time, each model in a process of its own."""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import os
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from itertools import islice
from typing import NamedTuple

import numpy as np

from evaluation.examples import FrameExamples
from evaluation.scores import Scores, score
from grading.grade import KEEPS, NOT_SCORED, SCORED, Grade, GradeScores, ShownFrame, read_grade, write_grade
from grading.submissions import Submission, submission_digest, unpacked
from model.export.found_model import find_model
from model.sandboxed.sandboxed_model import walled_model
from pipeline.store.reader import SequenceStore
from report.frame_drawing import draw_frame
from report.identity import weights_sha256
from report.table import mean_share_within
from support.sandbox.limits import Limits
from support.user_error import UserError, printable

SHOWN_FRAMES = 3
# Raise it where grades of the same files would come out otherwise.
GRADING_VERSION = 1


class Task(NamedTuple):
    """What submissions are graded on. store: open. mean_pose: float32 (7, 2), pixels. folder: where grades are kept."""

    store: SequenceStore
    mean_pose: np.ndarray
    limits: Limits
    trust: bool
    folder: str


def graded(submissions: Sequence[Submission], task: Task, jobs: int) -> Iterator[Grade]:
    """Yields the Grade of each submission as it is there: of those that were graded before, at once.

    jobs: how many are graded at a time. Each is kept in a file of its own when it is done.
    """
    os.makedirs(task.folder, exist_ok=True)
    with ThreadPoolExecutor(jobs) as pool:
        waiting = [pool.submit(_kept_or_graded, submission, task) for submission in submissions]
        try:
            for done in as_completed(waiting):
                yield done.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            # What waits for a model stops waiting when its process ends.
            for process in multiprocessing.active_children():
                process.kill()
            raise


def _kept_or_graded(submission: Submission, task: Task) -> Grade:
    path = os.path.join(task.folder, f"{hashlib.sha256(os.fsencode(submission.student)).hexdigest()[:16]}.json")
    fingerprint = _fingerprint(submission, task)
    kept = read_grade(path)
    if kept is not None and kept.fingerprint == fingerprint:
        return kept
    grade = _grade(submission, task)._replace(fingerprint=fingerprint)
    write_grade(path, grade)
    return grade


def _fingerprint(submission: Submission, task: Task) -> str:
    """Of all that the grade depends on."""
    store = task.store
    data = (store.source_sha256, len(store), store.number_of_frames, tuple(store.shape))
    known = [GRADING_VERSION, submission.student, submission_digest(submission), data, task.limits, task.trust]
    return hashlib.sha256(json.dumps(known).encode()).hexdigest()


def _grade(submission: Submission, task: Task) -> Grade:
    began = time.monotonic()
    try:
        with unpacked(submission) as folder:
            grade = _grade_of_folder(submission.student, folder, task)
    except (UserError, OSError) as error:
        messages = error.messages if isinstance(error, UserError) else (f"it cannot be read: {error.strerror}",)
        grade = _without_scores(submission.student, messages)
    places = (submission.path, os.path.basename(submission.path))
    breaches = tuple(printable(line.removeprefix(f"{places[0]}: ").replace(*places)) for line in grade.breaches)
    return grade._replace(seconds=time.monotonic() - began, breaches=breaches)


def _without_scores(student: str, breaches: Sequence[str]) -> Grade:
    return Grade(student, NOT_SCORED, tuple(breaches), (), None, 0.0, None, None, None, "")


def _grade_of_folder(student: str, folder: str, task: Task) -> Grade:
    """Raises UserError where the folder cannot be looked into."""
    found = find_model(folder)
    grade = _without_scores(student, ())._replace(weights_sha256=weights_sha256(found.folder))
    try:
        with walled_model(folder, task.store.shape, task.trust, task.limits) as model:
            grade = grade._replace(
                breaches=tuple(line.replace(f"{folder}{os.sep}", "").replace(folder, ".") for line in model.breaches),
                warnings=tuple(map(printable, model.warnings)),
                tensorflow_version=model.tensorflow_version,
            )
            if model.predictor is None:
                return grade._replace(peak_megabytes=model.process.peak_megabytes())
            scores = score(model.predictor, task.store, np.arange(len(task.store)), task.mean_pose, False)
            return grade._replace(
                verdict=SCORED if model.breaches else KEEPS,
                scores=_grade_scores(scores),
                peak_megabytes=model.process.peak_megabytes(),
            )
    except UserError as error:
        said = (message.removeprefix(f"{folder}: ") for message in error.messages)
        return grade._replace(verdict=NOT_SCORED, breaches=(*grade.breaches, *said))


def _grade_scores(scores: Scores) -> GradeScores:
    summary = scores.summary
    return GradeScores(
        pixel_error=summary["mean_pixel_error"],
        joint_errors=dict(summary["pixel_error"]),
        within_5=mean_share_within(summary, 5),
        within_10=mean_share_within(summary, 10),
        mean_pose_error=scores.mean_pose["mean_pixel_error"],
        worst=_shown(scores.worst),
        best=_shown(scores.best),
    )


def _shown(examples: FrameExamples) -> tuple[ShownFrame, ...]:
    """The first three."""
    titles = examples.titles or [""] * SHOWN_FRAMES
    drawn = [draw_frame(*one) for one in islice(zip(*examples[:3], strict=True), SHOWN_FRAMES)]
    return tuple(
        ShownFrame(f"{title}: {frame.error:.1f} px", frame) for title, frame in zip(titles, drawn, strict=False)
    )
