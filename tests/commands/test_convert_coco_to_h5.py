import subprocess
import sys

import pytest

import convert_coco_to_h5
from pipeline.store.reader import SequenceStore
from tests.commands.in_process import run_command, run_refused_command
from tests.conftest import ROOT
from tests.pipeline.sources.coco_files import CocoFile


@pytest.fixture
def coco(tmp_path):
    """A file of a video of twelve frames and of one still picture of two people, in a folder of its own."""
    (tmp_path / "source").mkdir()
    coco = CocoFile(tmp_path / "source")
    for number in range(12):
        coco.picture(f"frame{number:02d}.png", video_id=1, frame_id=number)
    coco.picture("still.png", people=2)
    coco.write()
    return coco


def test_converts_and_says_what_it_made(coco, monkeypatch, capfd, tmp_path):
    arguments = coco.path, coco.folder, tmp_path / "own.h5", "--sequence-length", 4, "--size", 32, "--crop", "none"
    output = run_command(convert_coco_to_h5, arguments, monkeypatch, capfd)
    lines = output.out.splitlines()
    # 8 sequences of consecutive frames, 6 of every other one, and 2 still ones.
    assert lines[0].split() == ["sequences", "16"] and lines[2].split() == ["videos", "2"]
    assert any(f"python inspect_h5.py {tmp_path / 'own.h5'}" in line for line in lines)
    assert lines[-1] == f"wrote {tmp_path / 'own.h5'}"
    assert output.err == "warning: 2 of 16 sequences repeat a single frame, so nothing moves\n"
    with SequenceStore(tmp_path / "own.h5") as store:
        assert store.shape == (4, 32, 32) and store.source_name == "people.json"


def test_runs_as_a_program_without_tensorflow(coco, tmp_path):
    code = "import sys, convert_coco_to_h5; convert_coco_to_h5.main(); assert 'tensorflow' not in sys.modules"
    command = [sys.executable, "-c", code, coco.path, coco.folder, tmp_path / "own.h5"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    "options, message",
    [
        (["--joints", "nose"], "'nose' is not a list such as head=nose of names for head, right wrist,"),
        (["--joints", "knee=a"], "'knee=a' is not a list such as"),
        (["--joints", "head=forehead"], "has no forehead; give the name of its head with --joints"),
        (["--size", "60"], "'60' is not a multiple of 8 up to 1024"),
        (["--size", "1032"], "'1032' is not a multiple of 8 up to 1024"),
        (["--crop", "face"], "invalid choice"),
    ],
)
def test_refuses_in_one_line_and_writes_nothing(options, message, coco, monkeypatch, capfd, tmp_path):
    arguments = [coco.path, coco.folder, tmp_path / "own.h5", *options]
    output = run_refused_command(convert_coco_to_h5, arguments, monkeypatch, capfd, tmp_path)
    assert output.out == "" and output.err.startswith("error: ") and output.err.count("\n") == 1
    assert message in output.err


def test_refuses_paths(coco, monkeypatch, capfd, tmp_path):
    (tmp_path / "own.h5").write_text("mine")
    for arguments, message in (
        ([tmp_path / "no.json", coco.folder, tmp_path / "a.h5"], "no.json: No such file"),
        (
            [coco.path, tmp_path / "nowhere", tmp_path / "a.h5"],
            "nowhere is not a folder; give the folder of the pictures",
        ),
        ([coco.path, coco.folder, tmp_path / "own.h5"], "own.h5 exists; give another destination, or --overwrite"),
        ([coco.path, coco.folder, coco.path, "--overwrite"], "is the source itself"),
    ):
        output = run_refused_command(convert_coco_to_h5, arguments, monkeypatch, capfd, tmp_path)
        assert message in output.err
