"""results.json files in the format of Gradescope's autograders, one per student."""

from __future__ import annotations

import hashlib
import json
import os
import re
from typing import Any

from grading.stored_grade import MEETS_REQUIREMENTS, NOT_GRADED, Grade
from report.error_table import format_share
from support.atomic_write import atomic_write

# In any alphabet, the name of the file and of the partial file beside it stay below 255 bytes.
LONGEST_NAME = 50
# Windows reserves these names for devices, with any ending.
RESERVED_NAMES = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)
DIGEST_LETTERS = 12
WITH_DIGEST = re.compile(rf"-[0-9a-f]{{{DIGEST_LETTERS}}}$")


def write_gradescope_results(folder: str, grade: Grade, mean_pose_error: float) -> str:
    """Writes one student's results to SAFE_NAME.json in `folder`, which is created if needed; returns the path.

    The format is that of /autograder/results/results.json:
    https://gradescope-autograders.readthedocs.io/en/latest/specs/. There is one test, worth 1 point: whether the model
    meets the requirements; its output lists the breaches. The pixel error is in the overall output and in the
    leaderboard, where lower is better. It earns no points, because that is up to the course. There is no overall score,
    because it would override the sum of the tests, including those that a course adds. All texts are plain text.
    Students see them when the grades are published; the leaderboard has no such setting. If the submission was not
    graded, the test says so, is worth 0 points, and neither passes nor fails.

    SAFE_NAME is the student's name if it is a plain file name. Otherwise it is the name's letters and digits followed
    by a part of its digest, so that two names never share a file. mean_pose_error: error of always predicting the mean
    pose, pixels. Raises OSError if the file cannot be written.
    """
    os.makedirs(folder, exist_ok=True)
    path = os.path.join(folder, f"{_safe_name(grade.student)}.json")
    with atomic_write(path) as partial, open(partial, "w", encoding="utf-8") as file:
        json.dump(_results(grade, mean_pose_error), file, indent=2)
    return path


def _results(grade: Grade, mean_pose_error: float) -> dict[str, Any]:
    results: dict[str, Any] = {
        "execution_time": round(grade.seconds, 1),
        "output": _scores_text(grade, mean_pose_error),
        "output_format": "text",
        "test_output_format": "text",
        "test_name_format": "text",
        "visibility": "after_published",
        "stdout_visibility": "hidden",
        "tests": [_not_graded_test(grade) if grade.verdict == NOT_GRADED else _requirements_test(grade)],
    }
    if grade.scores is not None:
        error = round(grade.scores.pixel_error, 2)
        results["leaderboard"] = [{"name": "mean pixel error", "value": error, "order": "asc"}]
    return results


def _requirements_test(grade: Grade) -> dict[str, Any]:
    passes = grade.verdict == MEETS_REQUIREMENTS
    lines = [f"verdict: {grade.verdict}"]
    lines += [f"breach: {line}" for line in grade.breaches]
    lines += [f"note: {line}" for line in grade.notes]
    lines += [f"warning: {line}" for line in grade.warnings]
    return {
        "name": "The saved model meets the assignment's requirements",
        "score": 1 if passes else 0,
        "max_score": 1,
        "status": "passed" if passes else "failed",
        "output": "\n".join(lines),
    }


def _not_graded_test(grade: Grade) -> dict[str, Any]:
    lines = [f"verdict: {grade.verdict}", *(f"problem of the grading machine: {line}" for line in grade.breaches)]
    return {"name": "The submission was not graded", "score": 0, "max_score": 0, "output": "\n".join(lines)}


def _scores_text(grade: Grade, mean_pose_error: float) -> str:
    mean_pose = f"Always predicting the mean pose: {mean_pose_error:.2f} px."
    scores = grade.scores
    if grade.verdict == NOT_GRADED:
        return "The submission was not graded because of a problem of the grading machine."
    if scores is None:
        return f"The model could not be scored, so it has no pixel error.\n{mean_pose}"
    lines = [
        f"Mean pixel error: {scores.pixel_error:.2f} px. {mean_pose}",
        f"Joints within 5 px: {format_share(scores.within_5)}; within 10 px: {format_share(scores.within_10)}.",
        *(f"{joint}: {error:.2f} px" for joint, error in scores.joint_errors.items()),
    ]
    return "\n".join(lines)


def _safe_name(student: str) -> str:
    """Returns a file name without separators or dots at its ends; different students get different names."""
    plain = re.sub(r"[^\w.\- ]", "_", student)[:LONGEST_NAME].strip(". ")
    if plain == student and plain and not RESERVED_NAMES.fullmatch(student) and not WITH_DIGEST.search(student):
        return student
    digest = hashlib.sha256(student.encode()).hexdigest()
    return f"{plain.replace('.', '_')}-{digest[:DIGEST_LETTERS]}"
