import re
from dataclasses import replace

import pytest

from grading.course import Points
from grading.rubric import points_of, read_rubric
from grading.stored_grade import NOT_GRADED, SCORED_WITH_BREACHES
from support.user_error import UserError
from tests.grading.made_grades import made_grade

STEPS = "error.steps = [{ px = 5, points = 80 }, { px = 8, points = 60.5 }]\n"
LINE = "error.line = { best_px = 4, worst_px = 14, points = 80 }\n"
BREACH, LATE, FACTOR = "breach = { points = 5 }\n", "late = { points = 10 }\n", "late = { factor = 0.8 }\n"


@pytest.fixture
def rubric_of(tmp_path):
    """Reads a rubric from a text."""

    def rubric_of(text):
        path = tmp_path / "rubric.toml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return read_rubric(str(path))

    return rubric_of


def graded(pixel_error=3.25, breaches=0):
    return made_grade(
        "anna",
        pixel_error,
        **({"verdict": SCORED_WITH_BREACHES, "breaches": ("one is wrong",) * breaches} if breaches else {}),
    )


@pytest.mark.parametrize("error, points", [(0, 80), (5, 80), (5.004, 80), (5.01, 60.5), (8, 60.5), (8.01, 0), (99, 0)])
@pytest.mark.parametrize(
    "text",
    [
        STEPS,
        "[error]\nsteps = [{ points = 60.5, px = 8 }, { points = 80, px = 5 }]",
        "[[error.steps]]\npx = 5\npoints = 80\n[[error.steps]]\npx = 8\npoints = 60.5",
    ],
)
def test_the_first_step_that_the_shown_error_does_not_exceed_gives_the_points(rubric_of, text, error, points):
    assert points_of(rubric_of(text), graded(error), False).total == points


@pytest.mark.parametrize("error, points", [(0, 80), (4, 80), (6.5, 60), (9, 40), (13.99, 0.08), (14, 0), (1e9, 0)])
def test_a_line_falls_from_the_best_to_the_worst_error(rubric_of, error, points):
    assert points_of(rubric_of(LINE), graded(error), False).total == points


def test_reasons_say_how_the_total_comes_about(rubric_of):
    rubric = rubric_of(STEPS + BREACH + LATE)
    assert points_of(rubric, graded(3.2), False) == Points(80, ("80 for 3.20 px",))
    assert points_of(rubric, graded(6, 1), False) == Points(55.5, ("60.5 for 6.00 px", "-5 for 1 breach"))
    reasons = ("60.5 for 6.00 px", "-10 for 2 breaches", "-10 for late work")
    assert points_of(rubric, graded(6, 2), True) == Points(40.5, reasons)


def test_breaches_cost_at_most_their_maximum(rubric_of):
    rubric = rubric_of(STEPS + "breach = { points = 5, at_most = 12 }")
    assert points_of(rubric, graded(3, 2), False) == Points(70, ("80 for 3.00 px", "-10 for 2 breaches"))
    assert points_of(rubric, graded(3, 3), False) == Points(68, ("80 for 3.00 px", "-12 for 3 breaches, at most 12"))


def test_a_factor_multiplies_what_breaches_leave(rubric_of):
    points = points_of(rubric_of(STEPS + BREACH + FACTOR), graded(3, 2), True)
    assert points == Points(56, ("80 for 3.00 px", "-10 for 2 breaches", "times 0.8 for late work"))


def test_breaches_and_late_work_cost_nothing_without_a_rule(rubric_of):
    assert points_of(rubric_of(STEPS), graded(3, 4), True) == Points(80, ("80 for 3.00 px",))


@pytest.mark.parametrize("late", [LATE, FACTOR])
def test_a_total_is_never_negative(rubric_of, late):
    points = points_of(rubric_of(STEPS + BREACH + late), graded(99, 3), True)
    assert points.total == 0 and points.reasons[-1] == "0 instead of a negative total"


def test_without_a_score_there_are_no_points_and_late_work_does_not_matter(rubric_of):
    rubric = rubric_of(STEPS + BREACH + LATE)
    unscored = made_grade("anna", None, breaches=("it has no graph", "second"))
    assert points_of(rubric, unscored, True) == Points(0, ("not scored: it has no graph",))
    assert points_of(rubric, None, False) == Points(0, ("nothing handed in",))


def test_nobody_gets_points_for_trouble_of_the_machine(rubric_of):
    grade = replace(made_grade("anna", None), verdict=NOT_GRADED, breaches=("the disk is full",))
    assert points_of(rubric_of(STEPS), grade, False) is None


ALLOWED = "[error] has steps (a list of px and points) or line (best_px, worst_px, points)"
INVALID = {
    "": "`error`",
    "error = {}": "give either steps or a line",
    "error.steps = []": "give either steps or a line",
    STEPS + LINE: "give either steps or a line",
    STEPS + "errors = 1": "unknown field `errors`",
    "error.step = [{ px = 5, points = 80 }]": "unknown field `step`",
    "error.steps = [{ px = 5, point = 80 }]": "`point`",
    "error.steps = [{ px = 5 }]": "`points`",
    "error.steps = [[5, 80]]": "array",
    "error.steps = [{ px = 5, points = '80' }]": "str",
    "error.steps = [{ px = true, points = 80 }]": "bool",
    "error.steps = [{ px = -5, points = 80 }]": ">= 0",
    "error.steps = [{ px = inf, points = 80 }]": "must be finite",
    "error.steps = [{ px = nan, points = 80 }]": "must be finite",
    "error.steps = [{ px = 5, points = 60 }, { px = 8, points = 80 }]": "a larger px must not give more points",
    "error.steps = [{ px = 5, points = 60 }, { px = 5, points = 60 }]": "each step needs another px",
    "error.line = { best_px = 14, worst_px = 4, points = 80 }": "best_px must be less than worst_px",
    STEPS + "breach = { at_most = 5 }": "`points`",
    STEPS + "late = {}": "either points or a factor",
    STEPS + "late = { points = 1, factor = 0.5 }": "either points or a factor",
    STEPS + "late = { factor = 1.5 }": "<= 1",
    STEPS + "late = 2020-02-03": "late",
}


@pytest.mark.parametrize("text, named", INVALID.items(), ids=lambda text: text[:60])
def test_an_invalid_rubric_is_an_error_that_lists_what_is_allowed(rubric_of, text, named):
    with pytest.raises(UserError, match=re.escape(named)) as raised:
        rubric_of(text)
    assert "is not a rubric" in str(raised.value) and ALLOWED in str(raised.value) and "\n" not in str(raised.value)


@pytest.mark.parametrize("contents", ["error", b"\xff", "a = 1\na = 2", "a = " + "[" * 100_000, b"\0"], ids=ascii)
def test_other_files_are_rejected(rubric_of, contents):
    with pytest.raises(UserError, match="is not valid TOML"):
        rubric_of(contents)


def test_a_byte_order_mark_and_windows_line_ends_are_accepted(rubric_of):
    text = b"\xef\xbb\xbf[error]\r\nsteps = [{ px = 5, points = 80 }]\r\n"
    assert points_of(rubric_of(text), graded(3), False).total == 80


def test_a_large_file_is_not_read(rubric_of):
    with pytest.raises(UserError, match="larger than 1 MB"):
        rubric_of("#" * 1_000_001)


def test_a_missing_file_is_reported_by_name(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_rubric(str(tmp_path / "rubric.toml"))


def test_the_documented_example_is_valid(rubric_of):
    example = re.search(r"such as this one.*?::\n\n(.*?)\n\n    Instead", read_rubric.__doc__, re.DOTALL)[1]
    rubric = rubric_of(example)
    assert points_of(rubric, graded(6, 5), True).total == 30
