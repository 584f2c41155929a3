import json

import pytest

from grading.grade import read_grade, write_grade
from tests.grading.made_grades import made_course, made_grade

REMOVED = object()


def test_what_is_written_is_read(tmp_path):
    for grade in [*made_course(), made_grade("\udcff\u202e", breaches=("ä", "=1"), warnings=("", "\n"))]:
        write_grade(tmp_path / "grade.json", grade)
        assert read_grade(tmp_path / "grade.json") == grade
    assert [path.name for path in tmp_path.iterdir()] == ["grade.json"]


def test_there_is_none_where_no_file_is(tmp_path):
    assert read_grade(tmp_path / "grade.json") is None
    assert read_grade(tmp_path) is None


@pytest.mark.parametrize("contents", [b"", b"\xff", b"null", b"[]", b"{}", b'"text"', b"[" * 100_000, b"1" * 10_000])
def test_damaged_json_gives_none(tmp_path, contents):
    (tmp_path / "grade.json").write_bytes(contents)
    assert read_grade(tmp_path / "grade.json") is None


def test_a_file_cut_short_gives_none(tmp_path):
    write_grade(tmp_path / "grade.json", made_grade())
    whole = (tmp_path / "grade.json").read_bytes()
    for length in range(0, len(whole), 997):
        (tmp_path / "grade.json").write_bytes(whole[:length])
        assert read_grade(tmp_path / "grade.json") is None


WRONG = [
    (["student"], 1),
    (["student"], None),
    (["student"], REMOVED),
    (["verdict"], "passed"),
    (["breaches"], "one line"),
    (["breaches"], [1]),
    (["warnings"], None),
    (["warnings"], {"0": "line"}),
    (["seconds"], "1.5"),
    (["seconds"], True),
    (["seconds"], 10**400),
    (["seconds"], float("nan")),
    (["peak_megabytes"], [1.0]),
    (["peak_megabytes"], float("inf")),
    (["tensorflow_version"], 1.15),
    (["weights_sha256"], False),
    (["fingerprint"], None),
    (["unknown"], 1),
    (["scores"], 3.5),
    (["scores"], []),
    (["scores", "pixel_error"], None),
    (["scores", "pixel_error"], REMOVED),
    (["scores", "joint_errors"], [["head", 1.0]]),
    (["scores", "joint_errors"], {"head": 1.0}),
    (["scores", "joint_errors", "head"], "1.0"),
    (["scores", "joint_errors", "tail"], 1.0),
    (["scores", "within_5"], "half"),
    (["scores", "worst"], None),
    (["scores", "worst", 0], ["title"]),
    (["scores", "worst", 0], "ab"),
    (["scores", "best", 0, 0], 7),
    (["scores", "best", 0, 1], None),
    (["scores", "best", 0, 1, "png"], None),
    (["scores", "best", 0, 1, "width"], 64.5),
    (["scores", "best", 0, 1, "truth"], "MM"),
    (["scores", "best", 0, 1, "truth"], ["M0 0"]),
    (["scores", "best", 0, 1, "prediction"], [1, 2]),
]


@pytest.mark.parametrize(
    "place, value", WRONG, ids=[f"{'.'.join(map(str, place))}={value!r:.12}" for place, value in WRONG]
)
def test_a_value_of_another_type_gives_none(tmp_path, place, value):
    write_grade(tmp_path / "grade.json", made_grade())
    values = json.loads((tmp_path / "grade.json").read_text())
    *outer, last = place
    holder = values
    for step in outer:
        holder = holder[step]
    if value is REMOVED:
        del holder[last]
    else:
        holder[last] = value
    (tmp_path / "grade.json").write_text(json.dumps(values))
    assert read_grade(tmp_path / "grade.json") is None


def test_a_whole_number_is_a_float_too(tmp_path):
    write_grade(tmp_path / "grade.json", made_grade(seconds=2))
    assert read_grade(tmp_path / "grade.json").seconds == 2.0
