"""Finds students whose models have the same weights or nearly equal predictions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from grading.course import CourseRow
from pipeline.sequence_shape import SequenceShape

LARGEST_DIFFERENCE = 0.25  # pixels
LARGEST_SHARE = 0.2
LEAST_VARIATION = 1.0  # pixels


def mark_similar(rows: Sequence[CourseRow], shape: SequenceShape) -> list[CourseRow]:
    """Returns the rows with same_weights and similar_predictions filled in.

    Predictions are nearly equal if the mean absolute difference of their coordinates is at most LARGEST_DIFFERENCE, and
    at most LARGEST_SHARE of the smaller pixel error. Weights that are saved again in another format, or with little
    noise, change predictions by much less than the errors. Two trainings have different errors. If these were
    independent and normally distributed, the difference would be 0.9 times the pixel error: the second condition tells
    two very good models apart.

    Models that predict almost the same for all sequences are not compared: that is the mean pose, which many find by
    themselves. They vary by less than LEAST_VARIATION over the sequences, while poses vary by several pixels.

    shape: of the sequences that Grade.predictions are for. Memory for a few hundred students: twice their predictions.
    """
    weights: dict[str, list[str]] = {}
    for row in rows:
        if row.grade and row.grade.weights_sha256:
            weights.setdefault(row.grade.weights_sha256, []).append(row.grade.student)
    similar = _similar_predictions(rows, shape)
    marked = []
    for row in rows:
        if row.grade:
            student = row.grade.student
            same = tuple(one for one in weights.get(row.grade.weights_sha256 or "", ()) if one != student)
            others = tuple(one for one in similar.get(student, ()) if one not in same)
            row = replace(row, same_weights=same, similar_predictions=others)
        marked.append(row)
    return marked


def _similar_predictions(rows: Sequence[CourseRow], shape: SequenceShape) -> dict[str, list[str]]:
    """Returns the students with nearly equal predictions by Grade.student, in the order of the rows."""
    compared: dict[str, tuple[np.ndarray, float]] = {}
    for row in rows:
        if row.grade and row.grade.predictions and row.grade.scores:
            predictions = _positions(row.grade.predictions, shape)
            if predictions is not None and _variation(predictions) >= LEAST_VARIATION:
                allowed = min(LARGEST_DIFFERENCE, LARGEST_SHARE * row.grade.scores.pixel_error)
                compared[row.grade.student] = predictions, allowed
    similar: dict[str, list[str]] = {student: [] for student in compared}
    for student, (one, allowed) in compared.items():
        for other_student, (other, also_allowed) in compared.items():
            is_comparable = other_student != student and one.shape == other.shape
            if is_comparable and _difference(one, other) <= min(allowed, also_allowed):
                similar[student].append(other_student)
    return similar


def _positions(predictions: bytes, shape: SequenceShape) -> np.ndarray | None:
    """Returns float32 (sequences, length, 7, 2); None if these are not the predictions for whole sequences."""
    size = 4 * int(np.prod(shape.labels))
    return np.frombuffer(predictions, "<f4").reshape(-1, *shape.labels) if len(predictions) % size == 0 else None


def _variation(predictions: np.ndarray) -> float:
    """Returns the mean distance of the coordinates from their mean over all sequences, pixels."""
    return _difference(predictions, predictions.mean(axis=0))


def _difference(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.abs(one - other).mean())
