"""The grades of a course on one page that holds all it shows: a table to sort, a histogram, each student's frames."""

from __future__ import annotations

import hashlib
import os
import statistics
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from grading.grade import KEEPS, NOT_SCORED, SCORED, Grade, GradeScores
from grading.histogram import error_histogram
from report.figure_file import svg_bytes
from report.frame_drawing import data_address
from report.overlays import PREDICTION, TRUTH
from report.table import format_share
from support.atomic_write import atomic_write
from support.deferred_module import DeferredModule

if TYPE_CHECKING:
    import jinja2
else:
    jinja2 = DeferredModule("jinja2")

TEMPLATE = "grades_page.html.jinja"
VERDICTS = (KEEPS, SCORED, NOT_SCORED)
MOST_NAMES_IN_TABLE = 3
# Each with what it is sorted as. Versions are texts: 2.9 comes before 2.16.
COLUMNS = (
    ("rank", "number"),
    ("student", "text"),
    ("verdict", "number"),
    ("pixel error [px]", "number"),
    ("within 5 px [%]", "number"),
    ("within 10 px [%]", "number"),
    ("seconds", "number"),
    ("peak memory [MB]", "number"),
    ("TensorFlow", "text"),
    ("breaches", "number"),
)


class GradesPage(NamedTuple):
    """What the page shows.

    title: text. facts: pairs of a name and a text on what was graded, on which data and within which limits. grades: in
    any order. mean_pose_error: of always predicting the mean pose, pixels. is_complete: False while there are
    students without a grade. expected: the number of students.
    """

    title: str
    facts: Sequence[tuple[str, str]]
    grades: Sequence[Grade]
    mean_pose_error: float
    is_complete: bool
    expected: int


class Cell(NamedTuple):
    """text: shown. key: what the column is sorted by, a number or a text; None comes last."""

    text: str
    key: float | str | None


class Student(NamedTuple):
    """A student's row and section.

    anchor: the id of the section. cells: of the row, in the order of COLUMNS, without the student's name. same_weights:
    the names of the others with the same weights.
    """

    anchor: str
    grade: Grade
    rank: Cell
    cells: list[Cell]
    same_weights: list[str]
    same_weights_in_short: str


def write_grades_page(path: str, page: GradesPage) -> str:
    """Writes a GradesPage to `path` atomically and returns `path`; raises OSError where it cannot be written.

    The page loads nothing from the network or the disk. A hundred students with six frames of 64×64 pixels each come to
    about 7 MB, and to 13 MB where the frames are noise.
    """
    folder = os.path.dirname(os.path.abspath(__file__))
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader([folder, os.path.join(os.path.dirname(folder), "report")]),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    text = environment.get_template(TEMPLATE).render(_shown(page))
    # The name of a folder can hold bytes that are no UTF-8; they are written as escapes.
    with (
        atomic_write(path) as partial,
        open(partial, "w", encoding="utf-8", errors="backslashreplace", newline="\n") as file,
    ):
        file.write(text)
    return path


def _shown(page: GradesPage) -> dict[str, Any]:
    """The variables of the template."""
    errors = [grade.scores.pixel_error for grade in page.grades if grade.scores is not None]
    return {
        "title": page.title,
        "facts": list(page.facts),
        "is_complete": page.is_complete,
        "done": len(page.grades),
        "expected": page.expected,
        "summary": _summary(page.grades, errors, page.mean_pose_error),
        "columns": COLUMNS,
        "students": _students(page.grades),
        "histogram": _histogram(errors, page.mean_pose_error),
        "errors_in_words": _errors_in_words(errors, page.mean_pose_error),
        "truth_colour": TRUTH["color"],
        "prediction_colour": PREDICTION["color"],
    }


def _summary(grades: Sequence[Grade], errors: Sequence[float], mean_pose_error: float) -> list[tuple[str, str]]:
    """Pairs of a name and a text."""
    verdicts = Counter(grade.verdict for grade in grades)
    shared = sum(len(names) for names in _by_weights(grades).values() if len(names) > 1)
    return [
        ("students graded", str(len(grades))),
        *((verdict, str(verdicts[verdict])) for verdict in VERDICTS),
        ("median pixel error", f"{statistics.median(errors):.2f} px" if errors else "none"),
        ("always the mean pose", f"{mean_pose_error:.2f} px"),
        ("no better than the mean pose", str(sum(error >= mean_pose_error for error in errors))),
        ("with the same weights as others", str(shared)),
    ]


def _histogram(errors: Sequence[float], mean_pose_error: float) -> str | None:
    if not errors:
        return None
    return data_address("image/svg+xml", svg_bytes(error_histogram(errors, mean_pose_error)))


def _errors_in_words(errors: Sequence[float], mean_pose_error: float) -> str:
    if not errors:
        return "No student has a pixel error."
    return (
        f"Bars: how many students have which mean pixel error, from {min(errors):.2f} px to {max(errors):.2f} px. "
        f"A dashed line marks the error of always predicting the mean pose, {mean_pose_error:.2f} px."
    )


def _students(grades: Sequence[Grade]) -> list[Student]:
    """By pixel error, the best first; those without one last, by name."""
    errors = sorted(grade.scores.pixel_error for grade in grades if grade.scores is not None)
    by_weights = _by_weights(grades)
    return [_student(grade, errors, by_weights) for grade in sorted(grades, key=_place)]


def _place(grade: Grade) -> tuple[bool, float, str]:
    return grade.scores is None, grade.scores.pixel_error if grade.scores else 0.0, grade.student


def _student(grade: Grade, errors: Sequence[float], by_weights: dict[str, list[str]]) -> Student:
    scores = grade.scores
    # Equal errors have equal ranks.
    rank = errors.index(scores.pixel_error) + 1 if scores else None
    others = [name for name in by_weights.get(grade.weights_sha256 or "", []) if name != grade.student]
    return Student(
        anchor=f"student-{hashlib.sha256(grade.student.encode('utf-8', 'surrogatepass')).hexdigest()[:12]}",
        grade=grade,
        rank=_cell(rank, "{:d}"),
        cells=[
            Cell(grade.verdict, VERDICTS.index(grade.verdict)),
            *_score_cells(scores),
            _cell(grade.seconds, "{:.1f}"),
            _cell(grade.peak_megabytes, "{:.0f}"),
            Cell(grade.tensorflow_version or "", grade.tensorflow_version),
            _cell(len(grade.breaches), "{:d}"),
        ],
        same_weights=others,
        same_weights_in_short=_in_short(others),
    )


def _score_cells(scores: GradeScores | None) -> Iterable[Cell]:
    if scores is None:
        return [Cell("", None)] * 3
    shares = (Cell(format_share(share).removesuffix(" %"), share) for share in (scores.within_5, scores.within_10))
    return [_cell(scores.pixel_error, "{:.2f}"), *shares]


def _cell(number: float | None, form: str) -> Cell:
    return Cell("" if number is None else form.format(number), number)


def _by_weights(grades: Sequence[Grade]) -> dict[str, list[str]]:
    """The names of the students with each digest of the weights, sorted."""
    names: dict[str, list[str]] = {}
    for grade in sorted(grades, key=lambda grade: grade.student):
        if grade.weights_sha256:
            names.setdefault(grade.weights_sha256, []).append(grade.student)
    return names


def _in_short(names: Sequence[str]) -> str:
    more = len(names) - MOST_NAMES_IN_TABLE
    return ", ".join(names[:MOST_NAMES_IN_TABLE]) + (f" and {more} more" if more > 0 else "")
