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
    NOT_GRADED,
    NOT_SCORED,
    SCORED_WITH_BREACHES,
    Grade,
    GradeScores,
    ShownFrame,
    read_grade,
    write_grade,
)
from grading.student_folder import student_folder
from grading.submissions import Submission, submission_digest
from model.predictor import PosePredictor
from model.sandboxed.sandboxed_model import sandboxed_model
from pipeline.store.reader import SequenceStore
from report.error_table import mean_share_within
from report.overlays import draw_frame
from report.provenance import weights_sha256
from support.machine import free_memory_bytes, usable_cores
from support.machine_errors import machine_errors
from support.sandbox.limits import Limits
from support.text import printable
from support.user_error import MachineError, MemoryLimitError, UserError

SHOWN_FRAMES = 3
# Increase it when the same files would get another grade or other messages: stored grades are then graded again.
GRADING_VERSION = 3
COMPARED_SEQUENCES = 8
# TensorFlow's import, which all models share, and what this process and the system still need.
MEGABYTES_OF_IMPORTS = 700
# What a model of this assignment usually needs; a model that needs more is graded again, alone.
MEGABYTES_OF_MODEL = 1000


@dataclass(frozen=True)
class GradingTask:
    """What all submissions are graded on."""

    store: SequenceStore  # open
    mean_pose: np.ndarray  # float32 (7, 2), pixels
    limits: Limits
    trust: bool  # whether to run models with ops that no network needs
    strict: bool  # whether notes on places and names of files are breaches
    folder: str  # where grades are stored


@dataclass(frozen=True)
class Share:
    """A part of this machine's cores and memory, for models that run at the same time."""

    jobs: int  # models at the same time
    threads: int  # of each model
    megabytes: int | None  # of each model's memory; None if unknown


def grade_submissions(submissions: Sequence[Submission], task: GradingTask, share: Share) -> Iterator[Grade]:
    """Yields the Grade of each submission, in order of completion. Stored grades of unchanged submissions are reused.

    share: what each model gets at first. A model for which this is too little memory, or with which something on this
    machine interfered, is graded again when all others are done, alone. If the machine is at fault again, the verdict
    is "not graded". All other grades are stored, each as soon as it is complete.
    """
    os.makedirs(task.folder, exist_ok=True)
    alone: list[Submission] = []
    with ThreadPoolExecutor(share.jobs) as pool:
        futures = {pool.submit(_stored_or_new_grade, one, task, share): one for one in submissions}
        try:
            for future in as_completed(futures):
                grade = future.result()
                if grade.verdict == NOT_GRADED:
                    alone.append(futures[future])
                else:
                    yield grade
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            # A thread that waits for a model returns when the model's process ends.
            for process in multiprocessing.active_children():
                process.kill()
            raise
    for submission in alone:
        yield _stored_or_new_grade(submission, task, whole_machine())


def whole_machine() -> Share:
    """All of the cores and of the free memory of this machine, for one model."""
    free = free_memory_bytes()
    return Share(1, usable_cores(), None if free is None else max(1, free // 1_000_000 - MEGABYTES_OF_IMPORTS))


def shared_machine(jobs: int | None) -> Share:
    """The share of each of this number of models, or of as many as there are cores and gigabytes of free memory."""
    whole = whole_machine()
    if jobs is None:
        jobs = whole.threads
        if whole.megabytes is not None:
            jobs = max(1, min(jobs, whole.megabytes // MEGABYTES_OF_MODEL))
    megabytes = None if whole.megabytes is None else max(1, whole.megabytes // jobs)
    return Share(jobs, max(1, whole.threads // jobs), megabytes)


def _stored_or_new_grade(submission: Submission, task: GradingTask, share: Share) -> Grade:
    path = os.path.join(task.folder, f"{hashlib.sha256(submission.student.encode()).hexdigest()[:16]}.json")
    grade = Grade(submission.student, NOT_SCORED, (), submission.notes, (), None, 0.0, None, None, None, None, "")
    try:
        with machine_errors():
            fingerprint = _fingerprint(submission, task)
            stored = read_grade(path)
            if stored is not None and stored.fingerprint == fingerprint:
                return stored
            grade = _grade(replace(grade, fingerprint=fingerprint), submission, task, share)
    except (MachineError, MemoryError) as error:
        messages = error.messages if isinstance(error, MachineError) else ("this machine has too little memory",)
        return replace(grade, verdict=NOT_GRADED, breaches=tuple(map(printable, messages)))
    write_grade(path, grade)
    return grade


def _fingerprint(submission: Submission, task: GradingTask) -> str:
    """Returns a digest of everything the grade depends on."""
    data = task.store.source_sha256, len(task.store), task.store.number_of_frames, task.store.shape
    inputs = submission.student, submission.notes, submission_digest(submission)
    settings = task.limits.seconds, task.limits.megabytes, task.trust, task.strict
    return hashlib.sha256(msgspec.json.encode((GRADING_VERSION, inputs, data, settings))).hexdigest()


def _grade(grade: Grade, submission: Submission, task: GradingTask, share: Share) -> Grade:
    """Completes a Grade. Raises MachineError if the machine is at fault."""
    started = time.monotonic()
    names = {source.path: os.path.basename(source.path) for source in submission.sources}
    try:
        with student_folder(submission) as folder:
            grade = replace(grade, notes=(*grade.notes, *folder.notes))
            names = {folder.path + os.sep: "", folder.path: ".", **names}
            grade = _grade_folder(grade, folder.path, task, share)
    except MachineError:
        raise
    except UserError as error:
        grade = replace(grade, breaches=error.messages)
    except OSError as error:
        grade = replace(grade, breaches=(f"the submission cannot be read: {error.strerror}",))
    # Messages name the submission, not its path on the grader's machine.
    breaches, notes = (tuple(_without_paths(line, names) for line in lines) for lines in (grade.breaches, grade.notes))
    return replace(grade, breaches=breaches, notes=notes, seconds=time.monotonic() - started)


def _without_paths(line: str, names: dict[str, str]) -> str:
    """The line with names instead of paths; names: by path."""
    for path, name in names.items():
        line = line.removeprefix(f"{path}: ").replace(path, name)
    return printable(line)


def _grade_folder(grade: Grade, folder: str, task: GradingTask, share: Share) -> Grade:
    """Completes the Grade of the files in `folder`. Raises UserError if the folder has no model."""
    grade = replace(grade, weights_sha256=weights_sha256(folder))
    megabytes = min((one for one in (task.limits.megabytes, share.megabytes) if one is not None), default=None)
    limits = replace(task.limits, megabytes=megabytes, threads=share.threads)
    try:
        with sandboxed_model(folder, task.store.shape, task.trust, limits) as model:
            notes = (*grade.notes, *model.notes)
            breaches = (*(notes if task.strict else ()), *model.breaches)
            grade = replace(
                grade,
                breaches=breaches,
                notes=() if task.strict else notes,
                warnings=tuple(map(printable, model.warnings)),
                tensorflow_version=model.tensorflow_version and printable(model.tensorflow_version),
            )
            if model.predictor is not None:
                scores = score(model.predictor, task.store, np.arange(len(task.store)), task.mean_pose, False)
                verdict = SCORED_WITH_BREACHES if breaches else MEETS_REQUIREMENTS
                predictions = _some_predictions(model.predictor, task.store)
                grade = replace(grade, verdict=verdict, scores=_grade_scores(scores), predictions=predictions)
            return replace(grade, peak_megabytes=model.process.peak_megabytes())
    except MachineError:
        raise
    except UserError as error:
        # Where memory is missing, TensorFlow may also exceed the time limit, because it waits for memory.
        if megabytes != task.limits.megabytes and (share.jobs > 1 or isinstance(error, MemoryLimitError)):
            raise MachineError(
                f"the model needs more than the {megabytes} MB of memory that it can have on this machine; close other "
                "programs, or grade it on a machine with more memory"
            ) from error
        # The reason comes first, since the table shows only the first line.
        breaches = (*error.messages, *grade.breaches)
        return replace(grade, verdict=NOT_SCORED, scores=None, predictions=None, breaches=breaches)


def _some_predictions(predictor: PosePredictor, store: SequenceStore) -> bytes:
    """The positions for a few sequences at equal distances, which are the same for all models on this data."""
    count = min(COMPARED_SEQUENCES, len(store))
    frames, _ = store.read_sequences(np.arange(count) * len(store) // count)
    return predictor.predict(frames).astype("<f4").tobytes()


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
