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

from grading.stored_grade import VERDICTS, Grade
from report.overlays import PREDICTION, TRUTH, data_url
from report.plots import svg_bytes
from support.atomic_write import atomic_write
from support.deferred_module import DeferredModule

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
class Student:
    """A student's row in the table and section below it."""

    anchor: str  # id of the section
    grade: Grade
    rank: int | None  # by pixel error; equal errors have equal ranks
    same_weights: list[str]  # other students with the same weights
    same_weights_in_short: str


def write_grades_page(
    path: str,
    *,
    title: str,
    provenance: Sequence[tuple[str, str]],
    grades: Sequence[Grade],
    mean_pose_error: float,
    expected: int,
) -> str:
    """Writes the page to `path` atomically and returns `path`. Raises OSError if it cannot be written.

    The page loads nothing from the network or the disk. A hundred students with six frames of 64×64 pixels each take
    about 7 MB, or 13 MB if the frames are noise.

    provenance: pairs of a name and a text, about the submissions, the data and the limits. grades: in any order.
    mean_pose_error: error of always predicting the mean pose, pixels. expected: number of submissions; if there are
    fewer grades, the page says that it is incomplete.
    """
    folder = os.path.dirname(os.path.abspath(__file__))
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader([folder, os.path.join(os.path.dirname(folder), "report")]),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    errors = [grade.scores.pixel_error for grade in grades if grade.scores is not None]
    text = environment.get_template(TEMPLATE).render(
        title=title,
        provenance=provenance,
        done=len(grades),
        expected=expected,
        summary=_summary(grades, errors, mean_pose_error),
        verdicts=VERDICTS,
        students=_students(grades),
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


def _summary(grades: Sequence[Grade], errors: Sequence[float], mean_pose_error: float) -> list[tuple[str, str]]:
    """Returns pairs of a name and a text."""
    verdicts = Counter(grade.verdict for grade in grades)
    shared = sum(len(names) for names in _students_by_weights(grades).values() if len(names) > 1)
    return [
        ("students graded", str(len(grades))),
        *((verdict, str(verdicts[verdict])) for verdict in VERDICTS),
        ("median pixel error", f"{statistics.median(errors):.2f} px" if errors else "none"),
        ("pixel error of the mean pose", f"{mean_pose_error:.2f} px"),
        ("no better than the mean pose", str(sum(error >= mean_pose_error for error in errors))),
        ("same weights as another student", str(shared)),
    ]


def _students(grades: Sequence[Grade]) -> list[Student]:
    """Returns the students by pixel error, the best first, then those without a score by name."""
    errors = sorted(grade.scores.pixel_error for grade in grades if grade.scores is not None)
    by_weights = _students_by_weights(grades)
    ordered = sorted(grades, key=lambda grade: (grade.scores.pixel_error if grade.scores else math.inf, grade.student))
    return [_student(grade, errors, by_weights) for grade in ordered]


def _student(grade: Grade, errors: Sequence[float], by_weights: dict[str, list[str]]) -> Student:
    others = [name for name in by_weights.get(grade.weights_sha256 or "", []) if name != grade.student]
    more = len(others) - MOST_NAMES_IN_TABLE
    return Student(
        anchor=f"student-{hashlib.sha256(grade.student.encode()).hexdigest()[:12]}",
        grade=grade,
        rank=errors.index(grade.scores.pixel_error) + 1 if grade.scores else None,
        same_weights=others,
        same_weights_in_short=", ".join(others[:MOST_NAMES_IN_TABLE]) + (f" and {more} more" if more > 0 else ""),
    )


def _students_by_weights(grades: Sequence[Grade]) -> dict[str, list[str]]:
    """Returns the sorted names of the students with each digest of the weights."""
    names: dict[str, list[str]] = {}
    for grade in sorted(grades, key=lambda grade: grade.student):
        if grade.weights_sha256:
            names.setdefault(grade.weights_sha256, []).append(grade.student)
    return names


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
