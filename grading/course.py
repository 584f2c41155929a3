"""A course: who handed in what, and each person's grade and points, as rows in the order to show them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from grading.stored_grade import VERDICTS, Grade

NOTHING_HANDED_IN = "nothing handed in"
ROW_VERDICTS = (*VERDICTS, NOTHING_HANDED_IN)


@dataclass(frozen=True)
class Person:
    """A student, as the platform's download or the roster names them."""

    name: str
    identifier: str = ""  # the platform's number or the roster's; "" if unknown
    is_late: bool = False  # whether the platform marks the submission as late


@dataclass(frozen=True)
class ListedPerson:
    """A person in the order to show, and what they handed in."""

    person: Person
    submission: str | None  # Grade.student; None if the person is on the roster but handed in nothing


@dataclass(frozen=True)
class Points:
    """The points of one student by a rubric."""

    total: float
    reasons: tuple[str, ...]  # one line each, such as "80 for 3.20 px" and "-5 for 1 breach"


@dataclass(frozen=True)
class CourseRow:
    """A row of grades.csv and grades.html."""

    person: Person
    grade: Grade | None  # None if the person is on the roster but handed in nothing
    points: Points | None = None  # None without a rubric, or if not graded
    same_weights: tuple[str, ...] = ()  # Grade.student of the others with the same weights
    similar_predictions: tuple[str, ...] = ()  # the same for nearly equal predictions but other weights

    @property
    def verdict(self) -> str:
        """One of ROW_VERDICTS."""
        return self.grade.verdict if self.grade else NOTHING_HANDED_IN


def distinct_names(rows: Sequence[CourseRow]) -> dict[str, str]:
    """Returns the name to show for each Grade.student. People with the same name also get the submission's name."""
    counts = Counter(row.person.name for row in rows)
    return {
        row.grade.student: row.person.name
        if counts[row.person.name] == 1
        else f"{row.person.name} ({row.grade.student})"
        for row in rows
        if row.grade
    }
