"""grades.csv: one row per student, for spreadsheets and scripts."""

from __future__ import annotations

import csv
from collections.abc import Sequence

from grading.grade import Grade
from pipeline.joints import JOINT_NAMES
from support.atomic_write import atomic_write

COLUMNS = (
    "student",
    "verdict",
    "breaches",
    "warnings",
    "pixel_error",
    *(f"{joint.replace(' ', '_')}_px" for joint in JOINT_NAMES),
    "within_5_px",
    "within_10_px",
    "mean_pose_error_px",
    "seconds",
    "peak_megabytes",
    "tensorflow_version",
    "weights_sha256",
)
LINE_SEPARATOR = " | "
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")


def write_grades_csv(path: str, grades: Sequence[Grade]) -> str:
    """Writes a header and one row per Grade, in the given order, to `path` atomically; returns `path`.

    The encoding is UTF-8. Errors are in pixels, shares from 0 to 1. Unknown values are empty cells. Texts that a
    spreadsheet would interpret as a formula start with an apostrophe. Raises OSError if the file cannot be written.
    """
    with atomic_write(path) as partial, open(partial, "w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(COLUMNS)
        rows.writerows(_row(grade) for grade in grades)
    return path


def _row(grade: Grade) -> list[str]:
    scores = grade.scores
    texts = grade.student, grade.verdict, LINE_SEPARATOR.join(grade.breaches), LINE_SEPARATOR.join(grade.warnings)
    if scores is None:
        errors: list[float | None] = [None] * (len(JOINT_NAMES) + 4)
    else:
        joint_errors = scores.joint_errors.values()
        errors = [scores.pixel_error, *joint_errors, scores.within_5, scores.within_10, scores.mean_pose_error]
    return [
        *map(_text, texts),
        *(_number(error, 4) for error in errors),
        _number(grade.seconds, 1),
        _number(grade.peak_megabytes, 1),
        _text(grade.tensorflow_version),
        _text(grade.weights_sha256),
    ]


def _text(text: str | None) -> str:
    """Returns the text so that no spreadsheet treats it as a formula, which could send data away or start programs.

    Students choose names and, through their models, messages and versions.
    """
    text = text or ""
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text


def _number(number: float | None, digits: int) -> str:
    return "" if number is None else f"{number:.{digits}f}"
