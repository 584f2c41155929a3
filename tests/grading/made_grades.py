"""Grades and rows for the tests of the table, the page and Gradescope's results."""

from dataclasses import replace

import numpy as np

from grading.course import CourseRow, Person, Points
from grading.stored_grade import (
    MEETS_REQUIREMENTS,
    NOT_GRADED,
    NOT_SCORED,
    SCORED_WITH_BREACHES,
    Grade,
    GradeScores,
    ShownFrame,
)
from pipeline.joints import JOINT_NAMES
from report.overlays import draw_frame


def made_grade(student="anna", pixel_error=3.25, **changes):
    """A Grade with random frames, or without scores if pixel_error is None. changes: values of other fields."""
    scores = None if pixel_error is None else made_scores(pixel_error)
    verdict = NOT_SCORED if scores is None else MEETS_REQUIREMENTS
    grade = Grade(student, verdict, (), (), (), scores, 61.5, 812.5, "1.15.0", None, None, "fingerprint")
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


def made_row(student="anna", pixel_error=3.25, *, name=None, identifier="", is_late=False, points=None, **changes):
    """A CourseRow of made_grade(student, pixel_error, **changes). The person's name is `student` if not given."""
    person = Person(name or student, identifier, is_late)
    return CourseRow(person, made_grade(student, pixel_error, **changes), points)


def missing_row(name, identifier=""):
    """The CourseRow of a person who handed in nothing."""
    return CourseRow(Person(name, identifier), None)


def made_course():
    """Unordered rows of eight students: two with equal weights and errors, two without scores, markup in texts."""
    same = {"weights_sha256": "ab" * 32}
    return [
        made_row("dora", 12.5, tensorflow_version="2.9.0", seconds=100.0),
        made_row("<script>alert(1)</script>", 3.5, tensorflow_version="2.16.1", seconds=9.0),
        made_row("noa", None, breaches=("it has <b>no</b> graph", "second"), peak_megabytes=None),
        replace(made_row("anna", 4.0, **same), same_weights=("Ben",)),
        replace(made_row("Ben", 4.0, **same), same_weights=("anna",)),
        made_row(
            "chris",
            20.0,
            verdict=SCORED_WITH_BREACHES,
            breaches=("joint_pos is float64",),
            notes=("the model is in PA4/model",),
            warnings=("it is slow",),
        ),
        made_row("emil", None, tensorflow_version=None, breaches=("it ran past 60 s",)),
        made_row("finn", 10.25, weights_sha256="cd" * 32),
    ]


def made_term():
    """Rows of a whole term: made_course() with points, platform names, late, not graded and missing people."""
    scored, unscored = Points(80.0, ("80 for 3.20 px",)), Points(0.0, ("not scored: it has no graph",))
    rows = [replace(row, points=scored if row.grade.scores else unscored) for row in made_course()]
    rows += [
        replace(
            made_row(
                "Müller Jürgen_71234_assignsubmission_file_",
                6.75,
                name="Jürgen Müller",
                identifier="71234",
                is_late=True,
                points=Points(65.0, ("75 for 6.75 px", "-10 for late work")),
            ),
            similar_predictions=("finn",),
        ),
        made_row(
            "grace",
            None,
            name="Grace Brewster Murray Hopper of the very long name that does not end",
            verdict=NOT_GRADED,
            breaches=("the disk is full: /tmp has 0 bytes left; free some disk space and run the command again",),
        ),
        missing_row("Katherine Johnson", "71299"),
        missing_row("Emmy Noether"),
    ]
    return rows
