import json

import pytest

from grading.gradescope import write_gradescope_results
from grading.stored_grade import NOT_GRADED, SCORED_WITH_BREACHES
from tests.grading.made_grades import made_grade

# The documented format: https://gradescope-autograders.readthedocs.io/en/latest/specs/
FORMATS = {"text", "html", "simple_format", "md", "ansi"}
VISIBILITIES = {"hidden", "after_due_date", "after_published", "visible"}
WHOLE = {"score", "execution_time", "output", "output_format", "test_output_format", "test_name_format", "visibility"}
WHOLE |= {"stdout_visibility", "extra_data", "tests", "leaderboard"}
TEST = {"score", "max_score", "status", "name", "name_format", "number", "output", "output_format", "tags"}
TEST |= {"visibility", "extra_data"}


def results_of(folder, grade):
    with open(write_gradescope_results(folder, grade, 14.5), encoding="utf-8") as file:
        return json.load(file, parse_constant=pytest.fail)


def check_format(results):
    assert set(results) <= WHOLE
    assert {results[name] for name in ("output_format", "test_output_format", "test_name_format")} <= FORMATS
    assert {results["visibility"], results["stdout_visibility"]} <= VISIBILITIES
    assert results["tests"]
    for test in results["tests"]:
        assert set(test) <= TEST and 0 <= test["score"] <= test["max_score"]
        if "status" in test:
            assert test["status"] == ("passed" if test["score"] == test["max_score"] else "failed")
    for entry in results.get("leaderboard", []):
        assert set(entry) == {"name", "value", "order"} and entry["order"] == "asc"


def test_a_model_that_meets_the_requirements_passes(tmp_path):
    results = results_of(tmp_path / "new", made_grade("anna", 3.254, warnings=("it is slow",)))
    check_format(results)
    (test,) = results["tests"]
    assert (test["score"], test["max_score"], test["status"]) == (1, 1, "passed")
    assert "it is slow" in test["output"]
    assert results["leaderboard"] == [{"name": "mean pixel error", "value": 3.25, "order": "asc"}]
    assert "3.25 px" in results["output"] and "14.50 px" in results["output"]
    assert "50.0 %" in results["output"] and "87.5 %" in results["output"] and "head: 0.25 px" in results["output"]


def test_breaches_fail_and_are_listed(tmp_path):
    lines = ("joint_pos is float64", "<b>second</b>")
    results = results_of(tmp_path, made_grade("anna", 3.25, verdict=SCORED_WITH_BREACHES, breaches=lines))
    check_format(results)
    (test,) = results["tests"]
    assert (test["score"], test["status"]) == (0, "failed")
    assert all(line in test["output"] for line in lines)
    assert results["test_output_format"] == "text"
    assert results["leaderboard"][0]["value"] == 3.25


def test_a_model_without_scores_is_not_in_the_leaderboard(tmp_path):
    results = results_of(tmp_path, made_grade("anna", None, breaches=("there is no graph",)))
    check_format(results)
    assert "leaderboard" not in results and "could not be scored" in results["output"]
    assert results["tests"][0]["score"] == 0


def test_trouble_of_the_machine_neither_fails_nor_blames_a_model(tmp_path):
    grade = made_grade("anna", None, verdict=NOT_GRADED, breaches=("the disk is full",))
    results = results_of(tmp_path, grade)
    check_format(results)
    (test,) = results["tests"]
    # Gradescope shows a test without a status as failed if its score is below max_score.
    assert "status" not in test and test["score"] == test["max_score"] == 0
    assert test["name"] == "The submission was not graded" and "leaderboard" not in results
    assert test["output"].splitlines() == ["verdict: not graded", "problem of the grading machine: the disk is full"]
    assert "was not graded" in results["output"] and "could not be scored" not in results["output"]


def test_notes_are_listed_and_cost_nothing(tmp_path):
    results = results_of(tmp_path, made_grade("anna", notes=("the model is in PA4/model",)))
    (test,) = results["tests"]
    assert (test["score"], test["status"]) == (1, "passed")
    assert "note: the model is in PA4/model" in test["output"]


def test_there_is_no_overall_score_because_it_would_override_tests_added_by_a_course(tmp_path):
    assert "score" not in results_of(tmp_path, made_grade())


@pytest.mark.parametrize("name", ["anna", "Łukasz Żak", "李小龙", "anna.b-c_2", "x" * 50])
def test_a_plain_name_is_the_file_name(tmp_path, name):
    assert write_gradescope_results(tmp_path, made_grade(name), 14.5) == str(tmp_path / f"{name}.json")


UNSAFE = ["", ".", "..", "../anna", "/etc/passwd", "a/b", "a\\b", "..\\anna", "C:anna", "nul", "CON.x", ".hidden", "a."]
UNSAFE += ["a\0b", "a\nb", "x" * 300, "李" * 300, "*?", "a" * 51, "a-0123456789ab"]


@pytest.mark.parametrize("name", UNSAFE, ids=ascii)
def test_an_unsafe_name_stays_in_the_folder(tmp_path, name):
    folder = tmp_path / "results"
    path = write_gradescope_results(folder, made_grade(name), 14.5)
    (file,) = folder.iterdir()
    assert str(file) == path and [one.name for one in tmp_path.iterdir()] == ["results"]
    assert file.name.endswith(".json") and not file.name.startswith(".")
    assert not set(file.name) & set('/\\:*?"<>|\0\n') and len(file.name.encode()) < 255
    assert file.name.split(".")[0].lower() not in ("nul", "con")
    assert not file.stem.endswith((".", " "))


def test_different_names_never_share_a_file(tmp_path):
    names = {*UNSAFE, "a_b", "a:b", "a|b", "x" * 301, "anna", "_etc_passwd"}
    paths = {write_gradescope_results(tmp_path, made_grade(name, None), 14.5) for name in names}
    assert len(paths) == len(names) == len(list(tmp_path.iterdir()))
    # Names that imitate the file names of others.
    for path in tmp_path.iterdir():
        write_gradescope_results(tmp_path, made_grade(path.stem, None), 14.5)
    assert len(list(tmp_path.iterdir())) > len(names)
