import csv
import json
import shutil
import signal
import subprocess
import sys
import time

import pytest

import evaluate
import grade
from pipeline.tensorflow_v1 import tf
from tests.commands.in_process import contents_of, run_command, run_refused_command
from tests.conftest import ROOT
from tests.model.export.foreign_model import foreign_network, save_foreign_model


@pytest.fixture(scope="module")
def fine_model(tmp_path_factory):
    return save_foreign_model(tmp_path_factory.mktemp("foreign") / "model", foreign_network)


@pytest.fixture
def course(fine_model, tmp_path):
    """Three submissions: one that keeps the contract, one that is scored and one that is not."""
    folder = tmp_path / "course"
    shutil.copytree(fine_model, folder / "ada")
    shutil.copytree(fine_model, folder / "noa" / "PA4")
    (folder / "zoe").mkdir()
    (folder / "zoe" / "essay.txt").touch()
    return folder


@pytest.fixture
def run(monkeypatch, capfd):
    """Runs the command with the given arguments; returns what it printed."""
    return lambda *arguments: run_command(grade, arguments, monkeypatch, capfd)


def rows_of(out):
    with open(out / "grades.csv", encoding="utf-8", newline="") as file:
        return {row["student"]: row for row in csv.DictReader(file)}


def without_end(positions):
    return tf.while_loop(lambda value: tf.reduce_max(value) > -1e9, lambda value: value * 1.0, [positions])


def test_each_submission_has_a_row_and_its_error_is_that_of_evaluate(course, people, run, monkeypatch, capfd, tmp_path):
    output = run(course, people.path, "--out", tmp_path / "out")
    assert (
        output.err == "" and "3 submissions: 1 keeps the contract, 1 scored, with breaches, 1 not scored" in output.out
    )
    rows = rows_of(tmp_path / "out")
    verdicts = {student: row["verdict"] for student, row in rows.items()}
    assert verdicts == {"ada": "keeps the contract", "noa": "scored, with breaches", "zoe": "not scored"}
    assert rows["zoe"]["pixel_error"] == "" and "it holds essay.txt" in rows["zoe"]["breaches"]
    assert rows["ada"]["weights_sha256"] == rows["noa"]["weights_sha256"] != ""

    run_command(evaluate, [course / "ada", people.path, "--out", tmp_path / "scores"], monkeypatch, capfd)
    metrics = json.loads((tmp_path / "scores" / "metrics.json").read_text())
    for student in ("ada", "noa"):
        assert float(rows[student]["pixel_error"]) == pytest.approx(metrics["mean_pixel_error"], abs=0.01)
        assert float(rows[student]["mean_pose_error_px"]) == pytest.approx(metrics["mean_pose_pixel_error"], abs=0.01)
    page = (tmp_path / "out" / "grades.html").read_text(encoding="utf-8")
    assert all(student in page for student in rows)


def test_begun_again_it_grades_only_what_is_new_or_changed(course, people, run, tmp_path):
    run(course, people.path, "--out", tmp_path / "out")
    before = rows_of(tmp_path / "out")
    (course / "zoe" / "essay.txt").rename(course / "zoe" / "report.txt")
    shutil.copytree(course / "ada", course / "bo")
    run(course, people.path, "--out", tmp_path / "out", "--results-json")
    after = rows_of(tmp_path / "out")
    assert list(after) == ["ada", "bo", "noa", "zoe"]
    # What was graded anew took another time.
    assert after["ada"] == before["ada"] and after["noa"] == before["noa"]
    assert "it holds report.txt" in after["zoe"]["breaches"]
    results = json.loads((tmp_path / "out" / "results" / "ada.json").read_text())
    assert results["tests"][0]["score"] == 1


@pytest.mark.promise("A saved model that does not come to an end is ended")
def test_a_model_without_end_costs_its_own_row_alone(course, people, run, tmp_path):
    save_foreign_model(course / "eve", lambda: foreign_network(change_positions=without_end))
    run(course, people.path, "--out", tmp_path / "out", "--time-limit", "8", "--jobs", "2")
    rows = rows_of(tmp_path / "out")
    assert "the model takes longer than 8 s" in rows["eve"]["breaches"] and rows["eve"]["verdict"] == "not scored"
    assert rows["ada"]["verdict"] == "keeps the contract" and rows["noa"]["pixel_error"]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
def test_killed_half_way_and_begun_again_it_goes_on(course, people, run, tmp_path):
    out = tmp_path / "out"
    save_foreign_model(course / "eve", lambda: foreign_network(change_positions=without_end))
    command = [sys.executable, ROOT / "grade.py", course, people.path, "--out", out, "--jobs", "2"]
    process = subprocess.Popen(command)
    while not (out / "grades.csv").exists() or len(rows_of(out)) < 3:
        assert process.poll() is None
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait()
    before = rows_of(out)
    assert sorted(before) == ["ada", "noa", "zoe"]
    shutil.rmtree(course / "eve")
    run(course, people.path, "--out", out)
    assert rows_of(out) == before


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["nothing", "{data}", "--out", "out"], "nothing is not a folder"),
        (["course", "{data}", "--out", "course/grades"], "is in the folder of the submissions"),
        (["course", "{data}", "--out", "full"], "full holds something else than grades"),
        (["course", "nothing.h5", "--out", "out"], "nothing.h5"),
        (["course", "{data}", "--out", "out", "--jobs", "0"], "is not a positive whole number"),
        (["course", "{data}", "--out", "out", "--memory-limit", "much"], "is not a positive whole number"),
        (["course", "{data}"], "--out"),
    ],
)
def test_refuses(arguments, message, course, people, monkeypatch, capfd, tmp_path):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.txt").touch()
    monkeypatch.chdir(tmp_path)
    given = [argument.format(data=people.path) for argument in arguments]
    [line] = run_refused_command(grade, given, monkeypatch, capfd, tmp_path).err.splitlines()
    assert line.startswith("error: ") and message in line


def test_help_fits_a_screen_and_has_an_example(monkeypatch, capfd):
    with pytest.raises(SystemExit):
        run_command(grade, ["--help"], monkeypatch, capfd)
    lines = capfd.readouterr().out.splitlines()
    assert len(lines) <= 24 and max(map(len, lines)) <= 80 and lines[-1].startswith("example: ")


def test_submissions_are_left_as_they_are(course, people, run, tmp_path):
    before = contents_of(course)
    run(course, people.path, "--out", tmp_path / "out")
    assert contents_of(course) == before
