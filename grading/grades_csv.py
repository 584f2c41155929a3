"""grades.csv: one row per student, for spreadsheets and scripts."""

from __future__ import annotations

import csv
from collections.abc import Sequence

from grading.stored_grade import Grade
from pipeline.joints import JOINT_NAMES
from support.atomic_write import atomic_write

LINE_SEPARATOR = " | "
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")


def write_grades_csv(path: str, grades: Sequence[Grade]) -> str:
    """Writes a header and one row per Grade, at least one, to `path` atomically; returns `path`.

    The encoding is UTF-8. Errors are in pixels, shares from 0 to 1. Unknown values are empty cells. Texts that a
    spreadsheet would interpret as a formula start with an apostrophe. Raises OSError if the file cannot be written.
    """
    rows = [_row(grade) for grade in grades]
    with atomic_write(path) as partial, open(partial, "w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def _row(grade: Grade) -> dict[str, str]:
    scores = grade.scores
    joint_errors = scores.joint_errors if scores else dict.fromkeys(JOINT_NAMES)
    return {
        "student": _text(grade.student),
        "verdict": grade.verdict,
        "breaches": _text(LINE_SEPARATOR.join(grade.breaches)),
        "warnings": _text(LINE_SEPARATOR.join(grade.warnings)),
        "pixel_error": _number(scores.pixel_error if scores else None, 4),
        **{f"{joint.replace(' ', '_')}_px": _number(error, 4) for joint, error in joint_errors.items()},
        "within_5_px": _number(scores.within_5 if scores else None, 4),
        "within_10_px": _number(scores.within_10 if scores else None, 4),
        "mean_pose_error_px": _number(scores.mean_pose_error if scores else None, 4),
        "seconds": _number(grade.seconds, 1),
        "peak_megabytes": _number(grade.peak_megabytes, 1),
        "tensorflow_version": _text(grade.tensorflow_version),
        "weights_sha256": _text(grade.weights_sha256),
    }


def _text(text: str | None) -> str:
    """Returns the text so that no spreadsheet treats it as a formula, which could send data away or start programs.

    Students choose names and, through their models, messages and versions.
    """
    text = text or ""
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text


def _number(number: float | None, digits: int) -> str:
    return "" if number is None else f"{number:.{digits}f}"
