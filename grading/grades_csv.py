"""grades.csv: one row per student, for spreadsheets and scripts."""

from __future__ import annotations

import csv
from collections.abc import Sequence

from grading.course import CourseRow, distinct_names
from pipeline.joints import JOINT_NAMES
from support.atomic_write import atomic_write
from support.text import printable

LINE_SEPARATOR = " | "
FORMULA_STARTS = ("=", "+", "-", "@", "＝", "＋", "－", "＠")
# Excel reads UTF-8 only after a byte order mark.
ENCODING = "utf-8-sig"


def write_grades_csv(path: str, rows: Sequence[CourseRow]) -> str:
    """Writes a header and a line per row, at least one, in the given order to `path` atomically; returns `path`.

    The encoding is UTF-8 with a byte order mark. Errors are in pixels, shares in percent. Unknown values are empty
    cells. There are columns of points if a row has points. Unprintable characters are escaped. Texts that a spreadsheet
    would interpret as a formula start with an apostrophe. Raises OSError if the file cannot be written.
    """
    names = distinct_names(rows)
    has_points = any(row.points for row in rows)
    lines = [_line(row, names, has_points) for row in rows]
    with atomic_write(path) as partial, open(partial, "w", encoding=ENCODING, newline="") as file:
        writer = csv.DictWriter(file, list(lines[0]))
        writer.writeheader()
        writer.writerows(lines)
    return path


def _line(row: CourseRow, names: dict[str, str], has_points: bool) -> dict[str, str]:
    grade = row.grade
    scores = grade.scores if grade else None
    joint_errors = scores.joint_errors if scores else dict.fromkeys(JOINT_NAMES)
    points = {
        "points": _number(row.points.total if row.points else None, 2),
        "point_reasons": _text(*(row.points.reasons if row.points else ())),
    }
    return {
        "student": _text(row.person.name),
        "identifier": _text(row.person.identifier),
        "late": "yes" if row.person.is_late else "",
        "submission": _text(grade.student if grade else ""),
        "verdict": row.verdict,
        **(points if has_points else {}),
        "breaches": _text(*(grade.breaches if grade else ())),
        "notes": _text(*(grade.notes if grade else ())),
        "warnings": _text(*(grade.warnings if grade else ())),
        "pixel_error": _number(scores.pixel_error if scores else None, 4),
        **{f"{joint.replace(' ', '_')}_px": _number(error, 4) for joint, error in joint_errors.items()},
        "within_5_px_percent": _number(100 * scores.within_5 if scores else None, 2),
        "within_10_px_percent": _number(100 * scores.within_10 if scores else None, 2),
        "mean_pose_error_px": _number(scores.mean_pose_error if scores else None, 4),
        "seconds": _number(grade.seconds if grade else None, 1),
        "peak_megabytes": _number(grade.peak_megabytes if grade else None, 1),
        "tensorflow_version": _text((grade and grade.tensorflow_version) or ""),
        "weights_sha256": _text((grade and grade.weights_sha256) or ""),
        "same_weights": _text(*(names.get(student, student) for student in row.same_weights)),
        "similar_predictions": _text(*(names.get(student, student) for student in row.similar_predictions)),
    }


def _text(*lines: str) -> str:
    """Joins lines to a printable text that no spreadsheet treats as a formula, which could send data away.

    Students choose names and, through their models, messages and versions.
    """
    text = LINE_SEPARATOR.join(map(printable, lines))
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text


def _number(number: float | None, digits: int) -> str:
    return "" if number is None else f"{number:.{digits}f}"
