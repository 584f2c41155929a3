"""The rows of grades.csv and grades.html, from who is in the course and the grades so far."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from grading.course import CourseRow, ListedPerson
from grading.rubric import Rubric, points_of
from grading.similar_models import mark_similar
from grading.stored_grade import Grade
from pipeline.sequence_shape import SequenceShape


def course_rows(
    listed: Sequence[ListedPerson], grades: Mapping[str, Grade], rubric: Rubric | None, shape: SequenceShape
) -> list[CourseRow]:
    """Returns the rows of those who are graded or handed in nothing, with points and marks of similar models.

    listed: in the order of the rows. grades: by Grade.student. shape: of the sequences that the models were scored on.
    """
    rows = []
    for one in listed:
        grade = grades.get(one.submission) if one.submission is not None else None
        if grade is not None or one.submission is None:
            points = points_of(rubric, grade, one.person.is_late) if rubric else None
            rows.append(CourseRow(one.person, grade, points))
    return mark_similar(rows, shape)
