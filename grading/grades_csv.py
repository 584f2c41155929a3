"""grades.csv: a row for each student, for spreadsheets and scripts."""

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
BETWEEN_LINES = " | "
STARTS_OF_FORMULAS = ("=", "+", "-", "@", "\t", "\r", "\n")


def write_grades_csv(path: str, grades: Sequence[Grade]) -> str:
    """Writes a header and a row for each Grade, in their order, to `path` atomically; returns `path`.

    UTF-8. Errors are in pixels, shares from 0 to 1. What is not known is an empty cell. A text that a spreadsheet would
    take for a formula has an apostrophe before it. Raises OSError where the file cannot be written.
    """
    # The name of a folder can hold bytes that are no UTF-8; they are written as escapes.
    with (
        atomic_write(path) as partial,
        open(partial, "w", encoding="utf-8", errors="backslashreplace", newline="") as file,
    ):
        rows = csv.writer(file)
        rows.writerow(COLUMNS)
        rows.writerows(_row(grade) for grade in grades)
    return path


def _row(grade: Grade) -> list[str]:
    scores = grade.scores
    texts = grade.student, grade.verdict, BETWEEN_LINES.join(grade.breaches), BETWEEN_LINES.join(grade.warnings)
    if scores is None:
        errors: list[float | None] = [None] * (len(JOINT_NAMES) + 4)
    else:
        joint_errors = [scores.joint_errors[joint] for joint in JOINT_NAMES]
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
    """The text, never a formula.

    Names, and lines and versions read from a model, are a stranger's. A spreadsheet computes a cell that begins like a
    formula, and a formula can send other cells away or start programs. After an apostrophe it is text.
    """
    text = text or ""
    return f"'{text}" if text.startswith(STARTS_OF_FORMULAS) else text


def _number(number: float | None, digits: int) -> str:
    return "" if number is None else f"{number:.{digits}f}"
