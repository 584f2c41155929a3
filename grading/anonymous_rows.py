"""Rows without names, for a page that is shown to a course."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import replace

from grading.course import CourseRow, Person, Points
from grading.person_names import rotations, spellings, words_of
from grading.stored_grade import Grade

# Shorter names are replaced only where no letters are next to them.
SHORTEST_ANYWHERE = 5
SHORTEST_WORD = 3


def anonymous_rows(rows: Sequence[CourseRow]) -> list[CourseRow]:
    """Returns the rows with "student 1", "student 2" and so on instead of names, identifiers and Grade.student.

    Names are replaced in all texts, too, with and without accents and separators. The numbers are in the order of a
    digest of the names and all fingerprints: the same submissions give the same numbers, and nobody without them can
    compute whose number is whose. The rows are in the order of the numbers.
    """
    secret = "\n".join(sorted(row.grade.fingerprint for row in rows if row.grade))
    ordered = sorted(rows, key=lambda row: _digest(secret, row))
    labels = {row.grade.student: f"student {number}" for number, row in enumerate(ordered, 1) if row.grade}
    return [_anonymous(row, f"student {number}", labels) for number, row in enumerate(ordered, 1)]


def _digest(secret: str, row: CourseRow) -> bytes:
    text = "\n".join([secret, row.grade.student if row.grade else "", row.person.name, row.person.identifier])
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


def _anonymous(row: CourseRow, label: str, labels: dict[str, str]) -> CourseRow:
    pattern = _pattern(row)

    def hide(text: str) -> str:
        return pattern.sub(label, unicodedata.normalize("NFC", text))

    return CourseRow(
        Person(label, is_late=row.person.is_late),
        _anonymous_grade(row.grade, label, hide) if row.grade else None,
        Points(row.points.total, tuple(map(hide, row.points.reasons))) if row.points else None,
        tuple(labels[student] for student in row.same_weights if student in labels),
        tuple(labels[student] for student in row.similar_predictions if student in labels),
    )


def _anonymous_grade(grade: Grade, label: str, hide: Callable[[str], str]) -> Grade:
    return replace(
        grade,
        student=label,
        breaches=tuple(map(hide, grade.breaches)),
        notes=tuple(map(hide, grade.notes)),
        warnings=tuple(map(hide, grade.warnings)),
        tensorflow_version=grade.tensorflow_version and hide(grade.tensorflow_version),
    )


def _pattern(row: CourseRow) -> re.Pattern[str]:
    """Returns a pattern of everything that names the person, the longest first."""
    name = unicodedata.normalize("NFC", row.person.name)
    submission = unicodedata.normalize("NFC", row.grade.student if row.grade else "")
    names = {re.escape(name), re.escape(submission)}
    for order in rotations(name):
        names |= {r"[\W_]*".join(map(re.escape, order)), *map(re.escape, spellings("".join(order)))}
    words = {row.person.identifier, *re.findall(r"[^\W_]+", name), *words_of(name)}
    words |= {spelling for word in words for spelling in spellings(word)}
    patterns = {text if len(text) >= SHORTEST_ANYWHERE else _bounded(text) for text in names}
    patterns |= {_bounded(re.escape(word)) for word in words if len(word) >= SHORTEST_WORD}
    return re.compile("|".join(sorted(patterns, key=lambda text: (-len(text), text))), re.IGNORECASE)


def _bounded(text: str) -> str:
    """Returns a pattern of the text with no letter, or no digit if it is a number, on its sides; "" matches nothing."""
    neighbour = r"\d" if text.isdecimal() else r"[^\W\d_]"
    return rf"(?<!{neighbour}){text}(?!{neighbour})" if text else "(?!)"
