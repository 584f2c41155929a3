import json
import os
import shutil
import subprocess
import sys
import zipfile

import h5py
import numpy as np
import pytest

import make_submission
from tests.commands.in_process import run_command, run_refused_command
from tests.conftest import ROOT

FOUR_FILES = ["checkpoint", "my_model.data-00000-of-00001", "my_model.index", "my_model.meta"]


@pytest.fixture
def run_folder(trained_run, tmp_path):
    """A copy of the shared run's folder."""
    return shutil.copytree(trained_run.folder, tmp_path / "first")


@pytest.fixture
def run(monkeypatch, capfd):
    """Runs the command with the given arguments; returns what it printed on standard output."""

    def run(*arguments):
        output = run_command(make_submission, arguments, monkeypatch, capfd)
        assert output.err == ""
        return output.out

    return run


@pytest.fixture
def error_of(monkeypatch, capfd, tmp_path):
    """Runs the command, which must fail and leave tmp_path unchanged; returns its one error without "error: "."""

    def run(*arguments):
        error = run_refused_command(make_submission, arguments, monkeypatch, capfd, tmp_path).err
        assert error.startswith("error: ") and error.count("\n") == 1
        return error[len("error: ") : -1]

    return run


def test_the_zip_has_the_four_files_the_report_and_the_code(run_folder, run, tmp_path):
    assert f"wrote {run_folder / 'submission.zip'}: " in run(run_folder)
    with zipfile.ZipFile(run_folder / "submission.zip") as archive:
        assert archive.testzip() is None
        archive.extractall(tmp_path / "unpacked")
    unpacked = tmp_path / "unpacked"
    assert sorted(os.listdir(unpacked)) == sorted([*FOUR_FILES, "code", "report.html"])
    for name in FOUR_FILES:
        assert (unpacked / name).read_bytes() == (run_folder / "model" / name).read_bytes()
    assert (unpacked / "report.html").read_bytes() == (run_folder / "report.html").read_bytes()
    for file in (unpacked / "code").rglob("*.*"):
        assert file.read_bytes() == (ROOT / file.relative_to(unpacked / "code")).read_bytes()


def test_the_code_in_the_zip_is_complete_and_runs(run_folder, run, tmp_path):
    run(run_folder, "--out", tmp_path / "handed_in.zip")
    with zipfile.ZipFile(tmp_path / "handed_in.zip") as archive:
        names = set(archive.namelist())
        archive.extractall(tmp_path)
    packages = {path.parent for path in ROOT.glob("*/__init__.py")} - {ROOT / "tests", ROOT / "bench"}
    code = [*ROOT.glob("*.py"), *(path for package in packages for path in package.rglob("*.*"))]
    code = {f"code/{path.relative_to(ROOT).as_posix()}" for path in code if path.suffix != ".pyc"}
    assert code | {"code/pyproject.toml", "code/LICENSE", "code/pipeline/dataset.py"} <= names
    assert not any(name.startswith(("code/tests/", "code/bench/")) for name in names)
    assert not any("__pycache__" in name or name.endswith((".h5", ".pkl", ".json")) for name in names)
    command = [sys.executable, "-B", "code/train.py", "--help"]
    assert subprocess.run(command, cwd=tmp_path, capture_output=True, check=False).returncode == 0


def test_says_what_goes_to_the_drive_and_to_the_site(run_folder, run):
    drive, site = run(run_folder).splitlines()[-2:]
    assert drive == f"to the drive: the four files in {run_folder / 'model'}"
    assert site.startswith(f"to the course's site: {run_folder / 'submission.zip'}, ")


@pytest.mark.parametrize(
    "source, is_release",
    [
        ("YouTube_Pose_dataset_1.0", True),
        ("youtube-pose", True),
        ("youtube_train_data.pkl", False),
        ("youtube_pose.pkl", False),
        ("YouTube_Pose_data.zip", False),
    ],
)
def test_a_model_trained_on_the_publisher_s_release_is_warned_about(
    source, is_release, run_folder, people, tmp_path, monkeypatch, capfd
):
    data = shutil.copy(people.path, tmp_path / "data.h5")
    with h5py.File(data, "a") as file:
        file.attrs["source_name"] = np.bytes_(source)
    change_config(run_folder, data=str(data))
    output = run_command(make_submission, [run_folder], monkeypatch, capfd)
    assert f"wrote {run_folder / 'submission.zip'}: " in output.out
    warning = f"warning: this model was trained on the publisher's original data (data.h5, converted from {source})"
    assert output.err.startswith(warning) if is_release else output.err == ""


def test_a_model_of_drawn_people_is_warned_about(run_folder, monkeypatch, capfd):
    change_config(run_folder, data=None, demo=True)
    output = run_command(make_submission, [run_folder], monkeypatch, capfd)
    assert output.err == "warning: this model was trained on drawn people, not on the course's data\n"


def test_data_that_are_gone_or_damaged_do_not_prevent_the_hand_in(run_folder, run, tmp_path):
    change_config(run_folder, data=str(tmp_path / "gone.h5"))
    run(run_folder, "--out", tmp_path / "first.zip")
    (tmp_path / "gone.h5").write_text("nonsense")
    run(run_folder, "--out", tmp_path / "second.zip")


def change_config(folder, **values):
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, **values}))


def test_the_same_files_give_the_same_zip(run_folder, run, tmp_path):
    run(run_folder, "--out", tmp_path / "first.zip")
    for path in run_folder.rglob("*"):
        os.utime(path, (2e9, 2e9))
    run(run_folder, "--out", tmp_path / "second.zip")
    assert (tmp_path / "first.zip").read_bytes() == (tmp_path / "second.zip").read_bytes()


def test_other_folders_and_unfinished_runs_are_rejected(error_of, run_folder, tmp_path):
    assert error_of("").startswith("no run given; give its folder")
    assert error_of(tmp_path / "nothing").endswith("is not a folder; give the folder of a run of train.py")
    assert "is not the folder of a run; give the --out of a run of train.py" in error_of(run_folder / "plots")
    for name in ("report.html", "model"):
        os.rename(run_folder / name, tmp_path / name)
        assert f"has no {name} yet; finish the run with python train.py --resume" in error_of(run_folder)


def test_a_model_that_does_not_meet_the_requirements_is_rejected(error_of, run_folder):
    (run_folder / "model" / "my_model.index").unlink()
    assert "my_model.index" in error_of(run_folder)


def test_existing_files_and_missing_folders_are_rejected(error_of, run_folder, tmp_path):
    (run_folder / "submission.zip").write_text("theirs")
    assert error_of(run_folder).endswith("submission.zip exists; remove it or choose another --out")
    assert (run_folder / "submission.zip").read_text() == "theirs"
    assert error_of(run_folder, "--out", tmp_path / "no" / "such.zip").endswith("; check the path")


def test_help_has_an_example(run, capfd):
    with pytest.raises(SystemExit):
        run("--help")
    assert "example: python make_submission.py runs/first" in capfd.readouterr().out
