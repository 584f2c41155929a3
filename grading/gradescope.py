"""What Gradescope shows of a student: a results.json as its autograders write them."""

from __future__ import annotations

import hashlib
import json
import os
import re
from typing import Any

from grading.grade import KEEPS, Grade, GradeScores
from report.table import format_share
from support.atomic_write import atomic_write

# So few that the name of the file stays below 255 bytes, whatever the letters, while it is written too.
MOST_LETTERS = 50
# Names that Windows keeps for devices, with any ending.
RESERVED_NAMES = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)
DIGEST_LETTERS = 12
WITH_DIGEST = re.compile(rf"-[0-9a-f]{{{DIGEST_LETTERS}}}$")


def write_gradescope_results(folder: str, grade: Grade, mean_pose_error: float) -> str:
    """Writes one student's results to SAFE_NAME.json in `folder`, which is made; returns the path.

    The format is https://gradescope-autograders.readthedocs.io/en/latest/specs/: what an autograder writes to
    /autograder/results/results.json. Gradescope asks for a score, of each test or of the whole. Only one thing here is
    passed or failed, so there is one test: the contract, 1 point of 1 where the model keeps it, else 0 of 1, with the
    breaches as its output. How many points a pixel error is worth is the course's to say: the error stands in the text
    that goes with the whole and, where there is one, in the leaderboard, where less is better. No score of the whole is
    given, as it would override what tests that are added come to. All texts are shown as plain text, and students see
    them when the grades are published; the leaderboard has no such setting.

    SAFE_NAME is the student's name where that is a plain file name; else its letters and digits, and a part of its
    digest, so that two names never share a file. mean_pose_error: that of always predicting the mean pose, pixels.
    Raises OSError where the file cannot be written.
    """
    os.makedirs(folder, exist_ok=True)
    path = os.path.join(folder, f"{_safe_name(grade.student)}.json")
    with atomic_write(path) as partial, open(partial, "w", encoding="utf-8") as file:
        json.dump(_results(grade, mean_pose_error), file, indent=2)
    return path


def _results(grade: Grade, mean_pose_error: float) -> dict[str, Any]:
    results: dict[str, Any] = {
        "execution_time": round(grade.seconds, 1),
        "output": _plain(_scores_text(grade.scores, mean_pose_error)),
        "output_format": "text",
        "test_output_format": "text",
        "test_name_format": "text",
        "visibility": "after_published",
        "stdout_visibility": "hidden",
        "tests": [_contract_test(grade)],
    }
    if grade.scores is not None:
        error = round(grade.scores.pixel_error, 2)
        results["leaderboard"] = [{"name": "mean pixel error", "value": error, "order": "asc"}]
    return results


def _contract_test(grade: Grade) -> dict[str, Any]:
    passes = grade.verdict == KEEPS
    lines = [f"verdict: {grade.verdict}"]
    lines += [f"breach: {line}" for line in grade.breaches]
    lines += [f"warning: {line}" for line in grade.warnings]
    return {
        "name": "The saved model keeps the contract",
        "score": 1 if passes else 0,
        "max_score": 1,
        "status": "passed" if passes else "failed",
        "output": _plain("\n".join(lines)),
    }


def _scores_text(scores: GradeScores | None, mean_pose_error: float) -> str:
    mean_pose = f"Always predicting the mean pose: {mean_pose_error:.2f} px."
    if scores is None:
        return f"The model could not be scored: it has no pixel error.\n{mean_pose}"
    lines = [
        f"Mean pixel error: {scores.pixel_error:.2f} px. {mean_pose}",
        f"Joints within 5 px: {format_share(scores.within_5)}; within 10 px: {format_share(scores.within_10)}.",
        *(f"{joint}: {error:.2f} px" for joint, error in scores.joint_errors.items()),
    ]
    return "\n".join(lines)


def _plain(text: str) -> str:
    """The text with escapes for what no UTF-8 can hold."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _safe_name(student: str) -> str:
    """A name without separators and dots at its ends, one for each student."""
    plain = re.sub(r"[^\w.\- ]", "_", student)[:MOST_LETTERS].strip(". ")
    if plain == student and plain and not RESERVED_NAMES.fullmatch(student) and not WITH_DIGEST.search(student):
        return student
    digest = hashlib.sha256(student.encode("utf-8", "surrogatepass")).hexdigest()
    return f"{plain.replace('.', '_')}-{digest[:DIGEST_LETTERS]}"
