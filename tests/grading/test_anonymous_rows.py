import re
from dataclasses import replace

import pytest

from grading.anonymous_rows import anonymous_rows
from grading.course import Points
from tests.grading.made_grades import made_course, made_row, made_term, missing_row


def numbers_by_error(rows):
    """The labels by pixel error, which tells the rows of a made course apart."""
    return {row.grade.scores.pixel_error: row.person.name for row in rows if row.grade and row.grade.scores}


def test_people_become_numbers_in_an_order_that_is_not_that_of_names_or_rows():
    rows = [made_row(f"person {number:02}", number, fingerprint=str(number)) for number in range(60)]
    hidden = anonymous_rows(rows)
    assert [row.person.name for row in hidden] == [f"student {number}" for number in range(1, 61)]
    assert all(row.grade.student == row.person.name and not row.person.identifier for row in hidden)
    order = [row.grade.scores.pixel_error for row in hidden]
    assert sorted(order) == list(range(60))
    neighbours = sum(abs(one - other) == 1 for one, other in zip(order, order[1:], strict=False))
    assert neighbours < 10


def test_the_same_submissions_give_the_same_numbers_in_any_order():
    rows = made_course()[:2] + made_course()[5:6] + made_course()[7:]
    numbers = numbers_by_error(anonymous_rows(rows))
    assert numbers_by_error(anonymous_rows(rows[::-1])) == numbers
    orders = set()
    for attempt in range(20):
        changed = [replace(row, grade=replace(row.grade, fingerprint=f"{attempt}")) for row in rows]
        orders.add(tuple(numbers_by_error(anonymous_rows(changed)).items()))
    assert len(orders) > 5  # Without the submissions nobody can compute the numbers.


def test_everything_else_stays():
    row = made_row("anna", 3.25, is_late=True, points=Points(5.0, ("5 for 3.25 px",)), breaches=("joint_pos is wrong",))
    (hidden,) = anonymous_rows([row])
    assert hidden.person.is_late and hidden.points == row.points and hidden.verdict == row.verdict
    assert hidden.grade == replace(row.grade, student="student 1")


def test_others_are_named_by_their_numbers():
    rows = [made_row("anna", 1), made_row("ben", 2), made_row("chris", 3)]
    rows[0] = replace(rows[0], same_weights=("ben", "chris"), similar_predictions=("chris",))
    hidden = {row.grade.scores.pixel_error: row for row in anonymous_rows(rows)}
    assert hidden[1].same_weights == (hidden[2].person.name, hidden[3].person.name)
    assert hidden[1].similar_predictions == (hidden[3].person.name,)


@pytest.mark.parametrize(
    "text",
    [
        "Jürgen Müller",
        "Müller, Jürgen",
        "Ju\u0308rgen",
        "MULLER.zip",
        "mueller2.zip",
        "JürgenMüller",
        "juergen_mueller_PA4.zip",
        "PA4mullerjurgen.zip",
        "Müller Jürgen_71234_assignsubmission_file_",
        "71234",
        "x71234.zip",
    ],
)
def test_names_in_texts_are_replaced(text):
    row = made_row(
        "Müller Jürgen_71234_assignsubmission_file_",
        name="Jürgen Müller",
        identifier="71234",
        breaches=(f"found in {text}, twice",),
        notes=(text,),
        warnings=(f"{text} is slow",),
        tensorflow_version=f"1.15 of {text}",
        points=Points(0.0, (f"not scored: {text}",)),
    )
    (hidden,) = anonymous_rows([row])
    for shown in (*hidden.grade.breaches, *hidden.grade.notes, *hidden.points.reasons, hidden.grade.tensorflow_version):
        assert "student 1" in shown
        assert not re.search("j.{0,2}rgen|m.{0,2}ller|71234", shown, re.IGNORECASE)
    assert hidden.grade.breaches[0].startswith("found in ") and hidden.grade.breaches[0].endswith(", twice")


def test_short_names_do_not_change_other_words():
    row = made_row("anna_li", name="Anna Li", identifier="7", notes=("annals of Lisbon, 7 files of Anna",))
    (hidden,) = anonymous_rows([row])
    assert hidden.grade.notes == ("annals of Lisbon, 7 files of student 1",)


def test_names_that_are_patterns_or_empty_do_no_harm():
    rows = [made_row("(.*)+$[", 1, notes=("a (.*)+$[ b",)), made_row("?", 2, notes=("what? no",)), missing_row("")]
    notes = {row.grade.notes for row in anonymous_rows(rows) if row.grade}
    assert {re.sub(r"\d", "N", note) for (note,) in notes} == {"a student N b", "what? no"}


def test_no_name_is_left_in_a_term():
    shown = str(
        [replace(row, grade=row.grade and replace(row.grade, scores=None)) for row in anonymous_rows(made_term())]
    )
    for name in (
        "anna",
        "Ben",
        "chris",
        "dora",
        "alert(1)",
        "Müller",
        "71234",
        "Hopper",
        "Katherine",
        "Noether",
        "grace",
    ):
        assert name not in shown
