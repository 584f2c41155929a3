from grading.course import ListedPerson, Person
from grading.course_rows import course_rows
from grading.rubric import ErrorRule, LateRule, Rubric, Step
from pipeline.sequence_shape import COURSE_SHAPE
from tests.grading.made_grades import made_grade

RUBRIC = Rubric(ErrorRule([Step(5, 80)]), late=LateRule(points=10))
LISTED = [
    ListedPerson(Person("Zoë", is_late=True), "z"),
    ListedPerson(Person("Emmy"), None),
    ListedPerson(Person("Waiting"), "w"),
    ListedPerson(Person("Ada"), "a"),
]
GRADES = {name: made_grade(name, 3.0, weights_sha256="ab") for name in "az"}


def test_people_whose_submission_is_not_graded_yet_have_no_row():
    rows = course_rows(LISTED, GRADES, None, COURSE_SHAPE)
    assert [(row.person.name, row.grade) for row in rows] == [
        ("Zoë", GRADES["z"]),
        ("Emmy", None),
        ("Ada", GRADES["a"]),
    ]
    assert [row.points for row in rows] == [None] * 3
    assert [row.same_weights for row in rows] == [("a",), (), ("z",)]


def test_a_rubric_gives_points_to_each_row():
    rows = course_rows(LISTED, GRADES, RUBRIC, COURSE_SHAPE)
    assert [row.points.total for row in rows] == [70, 0, 80]
