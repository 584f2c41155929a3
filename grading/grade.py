"""What is known of one submission, and how it is kept on disk, so that grading can go on where it was stopped."""

from __future__ import annotations

import json
import math
import os
from typing import Any, NamedTuple, get_args, get_origin, get_type_hints

from pipeline.joints import JOINT_NAMES
from report.frame_drawing import DrawnFrame
from support.atomic_write import atomic_write

KEEPS = "keeps the contract"
SCORED = "scored, with breaches"
NOT_SCORED = "not scored"


class ShownFrame(NamedTuple):
    """title: text, with the error. frame: the picture, with the true and the predicted pose."""

    title: str
    frame: DrawnFrame


class GradeScores(NamedTuple):
    """What a model scores. All errors in pixels, all shares from 0 to 1.

    joint_errors: by joint, in the order of JOINT_NAMES. within_5, within_10: share of all joints in all frames within
    5 and 10 pixels. mean_pose_error: of always predicting the mean pose. worst, best: three frames each.
    """

    pixel_error: float
    joint_errors: dict[str, float]
    within_5: float
    within_10: float
    mean_pose_error: float
    worst: tuple[ShownFrame, ...]
    best: tuple[ShownFrame, ...]


class Grade(NamedTuple):
    """A row: student, a name; verdict, KEEPS, SCORED or NOT_SCORED; breaches and warnings, one line each.

    scores: None where the model has none. seconds: that loading and scoring took. peak_megabytes: of the model's
    process, with TensorFlow; None where it is not known. tensorflow_version: that saved the model. weights_sha256: the
    digest of the weights, the same for the same weights. fingerprint: of all that the grade depends on.
    """

    student: str
    verdict: str
    breaches: tuple[str, ...]
    warnings: tuple[str, ...]
    scores: GradeScores | None
    seconds: float
    peak_megabytes: float | None
    tensorflow_version: str | None
    weights_sha256: str | None
    fingerprint: str


def write_grade(path: str, grade: Grade) -> None:
    """Writes a Grade to a JSON file, atomically."""
    scores = grade.scores and _without_types(grade.scores)
    with atomic_write(path) as partial, open(partial, "w", encoding="utf-8") as file:
        json.dump({**grade._asdict(), "scores": scores}, file)


def read_grade(path: str) -> Grade | None:
    """The Grade in a JSON file that write_grade wrote, or None where there is none that can be read.

    Nor is there one where a field is missing, unknown or of another type, where a number is NaN or infinite, where the
    verdict is none of the three, or where the errors are not those of the joints.
    """
    if not os.path.isfile(path):
        return None
    try:
        with open(path, encoding="utf-8") as file:
            grade = _typed(Grade, json.load(file))
    except (OSError, ValueError, TypeError, OverflowError, RecursionError):
        return None
    is_of_joints = grade.scores is None or tuple(grade.scores.joint_errors) == JOINT_NAMES
    return grade if is_of_joints and grade.verdict in (KEEPS, SCORED, NOT_SCORED) else None


def _without_types(scores: GradeScores) -> dict[str, Any]:
    shown = {name: [[one.title, one.frame._asdict()] for one in getattr(scores, name)] for name in ("worst", "best")}
    return {**scores._asdict(), **shown}


def _typed(kind: Any, value: Any) -> Any:
    """A value of JSON as an instance of the annotation `kind`; raises TypeError or ValueError where it is none."""
    if fields := getattr(kind, "_fields", None):
        values = dict(zip(fields, value, strict=True)) if isinstance(value, list) else value
        if not isinstance(values, dict) or set(values) != set(fields):
            raise TypeError(f"{kind.__name__} has other fields")
        kinds = get_type_hints(kind)
        return kind(**{name: _typed(kinds[name], values[name]) for name in fields})
    container, parts = get_origin(kind), get_args(kind)
    if type(None) in parts:
        return None if value is None else _typed(parts[0], value)
    if container is tuple and isinstance(value, list):
        return tuple(_typed(parts[0], one) for one in value)
    if container is dict and isinstance(value, dict):
        return {name: _typed(parts[1], one) for name, one in value.items()}
    if kind is float and type(value) in (int, float) and math.isfinite(value):
        return float(value)
    if kind in (str, int) and type(value) is kind:
        return value
    raise TypeError(f"{value!r} is no {kind}")
