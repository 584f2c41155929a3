"""grades.html: all grades on one self-contained page, with a sortable table, a histogram and each student's frames."""

from __future__ import annotations

import hashlib
import math
import os
import statistics
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from grading.anonymous_rows import anonymous_rows
from grading.course import NOTHING_HANDED_IN, ROW_VERDICTS, CourseRow, distinct_names
from grading.stored_grade import MEETS_REQUIREMENTS, NOT_GRADED, NOT_SCORED, SCORED_WITH_BREACHES
from report.overlays import PREDICTION, TRUTH, data_url
from report.plots import svg_bytes
from support.atomic_write import atomic_write
from support.deferred_module import DeferredModule
from support.text import printable

if TYPE_CHECKING:
    import jinja2
    from matplotlib import figure as matplotlib_figure
    from matplotlib import ticker
else:
    jinja2 = DeferredModule("jinja2")
    matplotlib_figure = DeferredModule("matplotlib.figure")
    ticker = DeferredModule("matplotlib.ticker")

TEMPLATE = "grades_page.html.jinja"
MOST_NAMES_IN_TABLE = 3
# From Okabe and Ito's colour-blind-safe palette. Hatching distinguishes the bars without colour.
COLOUR, COLOUR_BEYOND = "#0072B2", "#E69F00"
NARROWEST_BAR = 0.5  # pixels
MOST_BARS = 50


@dataclass(frozen=True)
class VerdictStyle:
    """How the page shows a verdict."""

    symbol: str  # for readers who see no colours
    colour: str  # from the same palette
    heading: str  # of Grade.breaches


VERDICT_STYLES = {
    MEETS_REQUIREMENTS: VerdictStyle("✓", "#009E73", "Breaches"),
    SCORED_WITH_BREACHES: VerdictStyle("!", "#E69F00", "Breaches"),
    NOT_SCORED: VerdictStyle("✗", "#D55E00", "Why it was not scored"),
    NOT_GRADED: VerdictStyle("?", "#CC79A7", "What was wrong with the machine"),
    NOTHING_HANDED_IN: VerdictStyle("–", "#767676", ""),
}


@dataclass(frozen=True)
class Student:
    """A student's row in the table and section below it."""

    anchor: str  # id of the section, which those who handed in nothing do not have
    name: str
    row: CourseRow
    rank: int | None  # by pixel error; equal errors have equal ranks
    cause: str | None  # the first line of what to know about the submission
    same_weights: list[str]  # names of the other students
    similar_predictions: list[str]


def write_grades_page(
    path: str,
    *,
    title: str,
    provenance: Sequence[tuple[str, str]],
    rows: Sequence[CourseRow],
    mean_pose_error: float,
    expected: int,
    anonymous: bool = False,
) -> str:
    """Writes the page to `path` atomically and returns `path`. Raises OSError if it cannot be written.

    The page loads nothing from the network or the disk. A hundred students with six frames of 64×64 pixels each take
    about 7 MB, or 13 MB if the frames are noise.

    provenance: pairs of a name and a text, about the submissions, the data and the limits. rows: students with equal
    errors or without one keep this order. mean_pose_error: error of always predicting the mean pose, pixels. expected:
    number of submissions; if there are fewer grades, the page says that it is incomplete. anonymous: whether to show
    anonymous_rows instead.
    """
    if anonymous:
        rows = anonymous_rows(rows)
    folder = os.path.dirname(os.path.abspath(__file__))
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader([folder, os.path.join(os.path.dirname(folder), "report")]),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["printable"] = printable
    errors = _errors(rows)
    text = environment.get_template(TEMPLATE).render(
        title=title,
        provenance=provenance,
        done=sum(row.grade is not None for row in rows),
        expected=expected,
        summary=_summary(rows, mean_pose_error),
        verdicts=ROW_VERDICTS,
        styles=VERDICT_STYLES,
        counts=Counter(row.verdict for row in rows),
        students=_students(rows),
        in_short=_in_short,
        joined=", ".join,
        has_points=any(row.points for row in rows),
        errors=errors,
        mean_pose_error=mean_pose_error,
        histogram=data_url("image/svg+xml", svg_bytes(error_histogram(errors, mean_pose_error))) if errors else None,
        truth_colour=TRUTH["color"],
        prediction_colour=PREDICTION["color"],
    )
    # Paths on the command line can contain bytes that are not UTF-8. They are written as escapes.
    with (
        atomic_write(path) as partial,
        open(partial, "w", encoding="utf-8", errors="backslashreplace", newline="\n") as file,
    ):
        file.write(text)
    return path


def _errors(rows: Sequence[CourseRow]) -> list[float]:
    """Returns the pixel errors of those who have one, in ascending order."""
    return sorted(row.grade.scores.pixel_error for row in rows if row.grade and row.grade.scores)


def _summary(rows: Sequence[CourseRow], mean_pose_error: float) -> list[tuple[str, str]]:
    """Returns pairs of a name and a text."""
    errors = _errors(rows)
    points = [row.points.total for row in rows if row.points]
    late = sum(row.person.is_late for row in rows)
    similar = sum(bool(row.similar_predictions) for row in rows)
    return [
        ("students scored", f"{len(errors)} of {len(rows)}"),
        ("median pixel error", f"{statistics.median(errors):.2f} px" if errors else "none"),
        ("pixel error of the mean pose", f"{mean_pose_error:.2f} px"),
        ("no better than the mean pose", str(sum(error >= mean_pose_error for error in errors))),
        *([("median points", f"{statistics.median(points):g}")] if points else []),
        *([("late submissions", str(late))] if late else []),
        ("same weights as another student", str(sum(bool(row.same_weights) for row in rows))),
        *([("nearly equal predictions", str(similar))] if similar else []),
    ]


def _students(rows: Sequence[CourseRow]) -> list[Student]:
    """Returns the students by pixel error, the best first, then those without one by verdict."""
    errors, names = _errors(rows), distinct_names(rows)

    def order(row: CourseRow) -> tuple[float, int]:
        error = row.grade.scores.pixel_error if row.grade and row.grade.scores else math.inf
        return error, ROW_VERDICTS.index(row.verdict)

    return [_student(row, errors, names) for row in sorted(rows, key=order)]


def _student(row: CourseRow, errors: Sequence[float], names: dict[str, str]) -> Student:
    grade = row.grade
    name = names[grade.student] if grade else row.person.name
    causes = [*grade.breaches, *grade.warnings, *grade.notes] if grade else []
    return Student(
        anchor=f"student-{hashlib.sha256(repr((name, grade and grade.student)).encode()).hexdigest()[:12]}",
        name=printable(name),
        row=row,
        rank=errors.index(grade.scores.pixel_error) + 1 if grade and grade.scores else None,
        cause=printable(causes[0]) if causes else None,
        same_weights=[printable(names.get(student, student)) for student in row.same_weights],
        similar_predictions=[printable(names.get(student, student)) for student in row.similar_predictions],
    )


def _in_short(names: Sequence[str]) -> str:
    """Joins names; if there are many, only the first and the number of the others."""
    more = len(names) - MOST_NAMES_IN_TABLE
    return ", ".join(names[:MOST_NAMES_IN_TABLE]) + (f" and {more} more" if more > 0 else "")


def error_histogram(pixel_errors: Sequence[float], mean_pose_error: float) -> matplotlib_figure.Figure:
    """Draws the number of students by pixel error, in bars of half a pixel, or wider if there would be too many.

    pixel_errors: finite, one per student, pixels. mean_pose_error: pixels, marked by a dashed line. The axis ends near
    1.5 times that error, and one more bar at the right counts all larger errors, so that one very bad model does not
    squeeze the others together.
    """
    end = max(1.5 * mean_pose_error, NARROWEST_BAR)
    width = max(NARROWEST_BAR, math.ceil(end / MOST_BARS / NARROWEST_BAR) * NARROWEST_BAR)
    edges = width * np.arange(math.ceil(end / width) + 1)
    end = edges[-1]
    errors = np.asarray(pixel_errors, np.float64)
    counts, _ = np.histogram(errors, edges)
    beyond = int((errors > end).sum())
    figure = matplotlib_figure.Figure(figsize=(7, 3.2), layout="constrained")
    axes = figure.subplots()
    axes.bar(edges[:-1], counts, width, align="edge", color=COLOUR, edgecolor="white", linewidth=0.6)
    if beyond:
        label = f"more than {end:g} px"
        axes.bar(end + width, beyond, 2 * width, align="edge", color=COLOUR_BEYOND, hatch="//", label=label)
    axes.axvline(mean_pose_error, color="black", linestyle="--", label="always predicting the mean pose")
    axes.set_xlim(0, end + 4 * width if beyond else end)
    axes.set_ylim(0, 1.1 * max(*counts, beyond, 1))
    ticks = ticker.MaxNLocator(integer=True).tick_values(0, end)
    axes.set_xticks(ticks[ticks <= end])
    axes.yaxis.set_major_locator(ticker.MaxNLocator(integer=True))
    axes.set_xlabel("mean pixel error [px]")
    axes.set_ylabel("number of students")
    axes.grid(axis="y", alpha=0.3)
    axes.set_axisbelow(True)
    figure.legend(loc="outside upper center", ncols=2)
    return figure
