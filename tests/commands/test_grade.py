import csv
import json
import multiprocessing
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
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
    """Three submissions: ada meets the requirements, noa is scored with breaches, zoe is not scored."""
    folder = tmp_path / "course"
    shutil.copytree(fine_model, folder / "ada")
    shutil.copytree(fine_model, folder / "noa" / "PA4")
    (folder / "noa" / "PA4" / "checkpoint").unlink()
    (folder / "zoe").mkdir()
    (folder / "zoe" / "essay.txt").touch()
    return folder


@pytest.fixture
def run(monkeypatch, capfd):
    """Runs the command with the given arguments; returns what it printed."""
    return lambda *arguments: run_command(grade, arguments, monkeypatch, capfd)


def rows_of(out):
    with open(out / "grades.csv", encoding="utf-8-sig", newline="") as file:
        return {row["student"]: row for row in csv.DictReader(file)}


def never_terminates(positions):
    return tf.while_loop(lambda value: tf.reduce_max(value) > -1e9, lambda value: value * 1.0, [positions])


@pytest.mark.slow
def test_each_submission_has_a_row_with_the_same_error_as_evaluate(course, people, run, monkeypatch, capfd, tmp_path):
    output = run(course, people.path, "--out", tmp_path / "out")
    assert output.err == ""
    assert "3 students (meets the requirements: 1; scored, with breaches: 1; not scored: 1)" in output.out
    rows = rows_of(tmp_path / "out")
    verdicts = {student: row["verdict"] for student, row in rows.items()}
    assert verdicts == {"ada": "meets the requirements", "noa": "scored, with breaches", "zoe": "not scored"}
    assert rows["zoe"]["pixel_error"] == "" and "essay.txt" in rows["zoe"]["breaches"]
    assert rows["ada"]["weights_sha256"] == rows["noa"]["weights_sha256"] != ""

    run_command(evaluate, [course / "ada", people.path, "--out", tmp_path / "scores"], monkeypatch, capfd)
    metrics = json.loads((tmp_path / "scores" / "metrics.json").read_text())
    for student in ("ada", "noa"):
        assert float(rows[student]["pixel_error"]) == pytest.approx(metrics["mean_pixel_error"], abs=0.01)
        assert float(rows[student]["mean_pose_error_px"]) == pytest.approx(metrics["mean_pose_pixel_error"], abs=0.01)
    page = (tmp_path / "out" / "grades.html").read_text(encoding="utf-8")
    assert all(student in page for student in rows)


def test_a_rerun_grades_only_new_and_changed_submissions(course, people, run, tmp_path):
    run(course, people.path, "--out", tmp_path / "out")
    before = rows_of(tmp_path / "out")
    (course / "zoe" / "essay.txt").rename(course / "zoe" / "report.txt")
    shutil.copytree(course / "ada", course / "bo")
    run(course, people.path, "--out", tmp_path / "out", "--results-json")
    after = rows_of(tmp_path / "out")
    assert list(after) == ["ada", "bo", "noa", "zoe"]
    # If they had been graded again, the seconds would differ.
    assert all(after[name]["seconds"] == before[name]["seconds"] for name in ("ada", "noa"))
    assert (before["ada"]["same_weights"], after["ada"]["same_weights"]) == ("noa", "bo | noa")
    assert "report.txt" in after["zoe"]["breaches"]
    results = json.loads((tmp_path / "out" / "results" / "ada.json").read_text())
    assert results["tests"][0]["score"] == 1


@pytest.mark.slow
@pytest.mark.promise("A saved model that does not terminate is stopped")
def test_a_model_that_never_terminates_affects_only_its_own_row(course, people, run, tmp_path):
    save_foreign_model(course / "eve", lambda: foreign_network(change_positions=never_terminates))
    run(course, people.path, "--out", tmp_path / "out", "--time-limit", "8", "--jobs", "2")
    rows = rows_of(tmp_path / "out")
    assert "8 s" in rows["eve"]["breaches"] and rows["eve"]["verdict"] == "not scored"
    assert rows["ada"]["verdict"] == "meets the requirements" and rows["noa"]["pixel_error"]


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
def test_a_rerun_resumes_after_a_kill(course, people, run, tmp_path):
    out = tmp_path / "out"
    save_foreign_model(course / "eve", lambda: foreign_network(change_positions=never_terminates))
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


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has a fork server here")
def test_a_model_whose_process_is_killed_is_tried_again_and_not_blamed(fine_model, people, run, tmp_path):
    shutil.copytree(fine_model, tmp_path / "course" / "ada")
    killed = []

    def kill_twice():
        while len(killed) < 2:
            for process in multiprocessing.active_children():
                if process.pid not in killed:
                    killed.append(process.pid)
                    process.kill()
            time.sleep(0.001)

    killer = threading.Thread(target=kill_twice)
    killer.start()
    with pytest.raises(SystemExit) as status:
        run(tmp_path / "course", people.path, "--out", tmp_path / "out")
    killer.join()
    assert status.value.code == 2
    assert rows_of(tmp_path / "out")["ada"]["verdict"] == "not graded"
    run(tmp_path / "course", people.path, "--out", tmp_path / "out")
    assert rows_of(tmp_path / "out")["ada"]["verdict"] == "meets the requirements"


def test_a_full_disk_is_not_blamed_on_the_student(fine_model, people, run, monkeypatch, capfd, tmp_path):
    folder = tmp_path / "course"
    folder.mkdir()
    shutil.make_archive(str(folder / "ada"), "zip", fine_model)
    with monkeypatch.context() as context:
        context.setattr(tempfile, "tempdir", str(tmp_path / "missing"))
        with pytest.raises(SystemExit) as status:
            run_command(grade, [folder, people.path, "--out", tmp_path / "out"], context, capfd)
    assert status.value.code == 2
    assert rows_of(tmp_path / "out")["ada"]["verdict"] == "not graded"
    assert "ada was not graded: no temporary folder can be made" in capfd.readouterr().err
    run(folder, people.path, "--out", tmp_path / "out")
    assert rows_of(tmp_path / "out")["ada"]["verdict"] == "meets the requirements"


def test_other_files_are_listed_with_status_2(course, people, run, capfd, tmp_path):
    (course / "notes.txt").touch()
    with pytest.raises(SystemExit) as status:
        run(course, people.path, "--out", tmp_path / "out")
    assert status.value.code == 2 and len(rows_of(tmp_path / "out")) == 3
    assert "error: notes.txt belongs to no student" in capfd.readouterr().err


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["nothing", "{data}", "--out", "out"], "nothing is not a folder"),
        (["course", "{data}", "--out", "course/grades"], "is inside the folder of submissions; choose another --out"),
        (["course", "{data}", "--out", "full"], "full is not a grades folder; choose another --out"),
        (["course", "nothing.h5", "--out", "out"], "nothing.h5"),
        (["course", "{data}", "--out", "out", "--jobs", "0"], "is not a positive whole number"),
        (["course", "{data}", "--out", "out", "--memory-limit", "much"], "is not a positive whole number"),
        (["course", "{data}"], "--out"),
    ],
)
def test_invalid_arguments_are_rejected(arguments, message, course, people, monkeypatch, capfd, tmp_path):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.txt").touch()
    monkeypatch.chdir(tmp_path)
    given = [argument.format(data=people.path) for argument in arguments]
    [line] = run_refused_command(grade, given, monkeypatch, capfd, tmp_path).err.splitlines()
    assert line.startswith("error: ") and message in line


def test_help_ends_with_an_example(monkeypatch, capfd):
    with pytest.raises(SystemExit):
        run_command(grade, ["--help"], monkeypatch, capfd)
    lines = capfd.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 80 and lines[-1].startswith("example: ")


def test_submissions_are_not_modified(course, people, run, tmp_path):
    before = contents_of(course)
    run(course, people.path, "--out", tmp_path / "out")
    assert contents_of(course) == before
