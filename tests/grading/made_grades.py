"""Grades for the tests of the table, the page and Gradescope's results."""

from dataclasses import replace

import numpy as np

from grading.stored_grade import MEETS_REQUIREMENTS, NOT_SCORED, SCORED_WITH_BREACHES, Grade, GradeScores, ShownFrame
from pipeline.joints import JOINT_NAMES
from report.overlays import draw_frame


def made_grade(student="anna", pixel_error=3.25, **changes):
    """A Grade with random frames, or without scores if pixel_error is None. changes: values of other fields."""
    scores = None if pixel_error is None else made_scores(pixel_error)
    verdict = NOT_SCORED if scores is None else MEETS_REQUIREMENTS
    grade = Grade(student, verdict, (), (), scores, 61.5, 812.5, "1.15.0", None, "fingerprint")
    return replace(grade, **changes)


def made_scores(pixel_error):
    """GradeScores with the errors pixel_error - 3, pixel_error - 2 and so on for the joints."""
    joint_errors = {joint: pixel_error + number - 3 for number, joint in enumerate(JOINT_NAMES)}
    shown = made_frames()
    return GradeScores(pixel_error, joint_errors, 0.5, 0.875, 14.5, shown[:3], shown[3:])


def made_frames():
    """Six ShownFrames of noise, which PNG cannot compress."""
    random = np.random.default_rng(0)
    frames = random.integers(0, 256, (6, 64, 64, 3), dtype=np.uint8)
    labels, predictions = random.uniform(-5, 70, (2, 6, 7, 2))
    drawn = [draw_frame(*one) for one in zip(frames, labels, predictions, strict=True)]
    return tuple(ShownFrame(f"video 3, frame {number}: {one.error:.1f} px", one) for number, one in enumerate(drawn))


def made_course():
    """Unordered grades of eight students: two with equal weights and errors, two without scores, markup in texts."""
    same = {"weights_sha256": "ab" * 32}
    return [
        made_grade("dora", 12.5, tensorflow_version="2.9.0", seconds=100.0),
        made_grade("<script>alert(1)</script>", 3.5, tensorflow_version="2.16.1", seconds=9.0),
        made_grade("noa", None, breaches=("it has <b>no</b> graph", "second"), peak_megabytes=None),
        made_grade("anna", 4.0, **same),
        made_grade("Ben", 4.0, **same),
        made_grade(
            "chris",
            20.0,
            verdict=SCORED_WITH_BREACHES,
            breaches=("joint_pos is float64",),
            warnings=("it is slow",),
        ),
        made_grade("emil", None, tensorflow_version=None, breaches=("it ran past 60 s",)),
        made_grade("finn", 10.25, weights_sha256="cd" * 32),
    ]
