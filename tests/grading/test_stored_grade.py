import json

import pytest

from grading.stored_grade import NOT_GRADED, read_grade, write_grade
from tests.grading.made_grades import made_course, made_grade

REMOVED = "(removed)"  # stands for no value at all


@pytest.fixture
def path(tmp_path):
    return tmp_path / "grade.json"


def test_a_written_grade_reads_back_equal(path):
    for grade in [
        *(row.grade for row in made_course()),
        made_grade("\u202e", breaches=("ä", "=1"), notes=("ö",), warnings=("", "\n")),
        made_grade("noa", None, verdict=NOT_GRADED),
        made_grade(seconds=2, predictions=bytes(range(256))),
    ]:
        write_grade(path, grade)
        assert read_grade(path) == grade
    assert list(path.parent.iterdir()) == [path]


def test_a_missing_file_gives_none(path):
    assert read_grade(path) is None
    assert read_grade(path.parent) is None


@pytest.mark.parametrize("contents", [b"", b"\xff", b"null", b"[]", b"{}", b'"text"', b"[" * 100_000, b"1" * 10_000])
def test_damaged_json_gives_none(path, contents):
    path.write_bytes(contents)
    assert read_grade(path) is None


def test_a_truncated_file_gives_none(path):
    write_grade(path, made_grade())
    whole = path.read_bytes()
    for length in range(0, len(whole), 997):
        path.write_bytes(whole[:length])
        assert read_grade(path) is None


NESTED = json.loads("[" * 900 + "]" * 900)
INVALID = [
    (["student"], 1),
    (["student"], "\udcff"),
    (["student"], REMOVED),
    (["verdict"], "passed"),
    (["breaches"], "one line"),
    (["breaches"], [1]),
    (["notes"], REMOVED),
    (["notes"], "one line"),
    (["warnings"], None),
    (["seconds"], "1.5"),
    (["seconds"], True),
    (["seconds"], 10**400),
    (["seconds"], float("nan")),
    (["peak_megabytes"], float("inf")),
    (["weights_sha256"], False),
    (["predictions"], "no base64"),
    (["predictions"], [1]),
    (["fingerprint"], None),
    (["fingerprint"], NESTED),
    (["scores"], []),
    (["scores", "pixel_error"], REMOVED),
    (["scores", "joint_errors"], {"head": 1.0}),
    (["scores", "joint_errors", "head"], "1.0"),
    (["scores", "joint_errors", "tail"], 1.0),
    (["scores", "worst", 0], "ab"),
    (["scores", "best", 0, "frame"], None),
]


@pytest.mark.parametrize("place, value", INVALID, ids=lambda part: ascii(part)[:40])
def test_an_invalid_value_gives_none(path, place, value):
    write_grade(path, made_grade())
    values = json.loads(path.read_bytes())
    *outer, last = place
    holder = values
    for step in outer:
        holder = holder[step]
    if value is REMOVED:
        del holder[last]
    else:
        holder[last] = value
    path.write_text(json.dumps(values))
    assert read_grade(path) is None
