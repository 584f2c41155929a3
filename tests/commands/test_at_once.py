"""Two commands that write to the same folder or file at the same time: one gets it, the other reports an error.

Both have found the destination free when they wait for each other, just before they take the lock. The one that gets it
continues only after the other has ended. So the result does not depend on timing.
"""

import importlib
import multiprocessing
import multiprocessing.connection
import os
import sys

import numpy as np
import pytest
from PIL import Image

import predict
import train
from pipeline.store.reader import SequenceStore
from run.config_file import read_config
from support import destination
from tests.pipeline.sources.pickles import made_arrays, pickled
from tests.pipeline.sources.youtube_pose import MadeVideo, write_release
from video.prediction import PredictionSummary

if sys.platform == "win32":
    pytest.skip("needs a fork server", allow_module_level=True)

PATIENCE = 60  # seconds until the test fails
COMMANDS = ["convert_pkl_to_h5", "convert_youtube_pose_to_h5", "predict", "train"]
CONTEXT = multiprocessing.get_context("forkserver")


@pytest.fixture(scope="module", autouse=True)
def preloaded():
    """Processes are forked from one that has imported the commands."""
    CONTEXT.set_forkserver_preload([__name__, *COMMANDS])


def run_main(module, arguments, log, both_arrived, other_has_ended):
    """Runs main() of a command, without training; both processes take the lock at the same time."""
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    lock = destination.lock

    def lock_together(file):
        destination.lock = lock  # A command that writes two files takes a second lock.
        both_arrived.wait(PATIENCE)
        lock(file)
        assert other_has_ended.wait(PATIENCE)

    destination.lock = lock_together
    train.train = train.finish = lambda *arguments: None
    train.prepare_tensorflow = lambda settings, cluster: "float32"
    predict.predict = lambda *arguments, **options: PredictionSummary(20, 20, np.zeros(7, int), 64, 48, None, None)
    sys.argv = [f"{module}.py", *map(str, arguments)]
    importlib.import_module(module).main()


def run_twice_at_once(module, arguments, folder):
    """Checks that one of two processes succeeds and the other ends with one error line; returns the line."""
    both_arrived, other_has_ended = CONTEXT.Barrier(2), CONTEXT.Event()
    logs = [folder / "first.log", folder / "second.log"]
    common = [both_arrived, other_has_ended]
    processes = [CONTEXT.Process(target=run_main, args=(module, arguments, log, *common)) for log in logs]
    for process in processes:
        process.start()
    try:
        multiprocessing.connection.wait([process.sentinel for process in processes], PATIENCE)
        other_has_ended.set()
        for process in processes:
            process.join(PATIENCE)
    finally:
        for process in processes:
            process.kill()
    ended = {process.exitcode: log.read_text() for process, log in zip(processes, logs, strict=True)}
    assert sorted(ended) == [0, 2], ended
    assert "error:" not in ended[0]
    assert ended[2].startswith("error: ") and ended[2].count("\n") == 1
    return ended[2]


@pytest.mark.promise("Two runs never write to the same folder")
def test_two_runs_start_or_resume_in_the_same_folder(people, tmp_path):
    out = tmp_path / "runs" / "first"
    for arguments in (["--data", people.path, "--seed", 5, "--out", out], ["--resume", "--out", out]):
        line = run_twice_at_once("train", arguments, tmp_path)
        assert line == f"error: another run is writing to {out}; wait for it to end, or give another --out\n"
        assert os.listdir(out) == ["config.json"] and read_config(out / "config.json")["seed"] == 5


@pytest.mark.promise("Two commands never write to the same file at the same time")
def test_two_pickle_conversions_to_the_same_file(tmp_path):
    source, destination = tmp_path / "data.pkl", tmp_path / "out" / "data.h5"
    source.write_bytes(pickled(made_arrays(2)))
    destination.parent.mkdir()
    for options in ([], ["--overwrite"]):
        line = run_twice_at_once("convert_pkl_to_h5", [source, destination, *options], tmp_path)
        assert line.startswith(f"error: another command is writing {destination}; wait for it to end")
        assert os.listdir(destination.parent) == ["data.h5"]
        with SequenceStore(destination) as store:
            assert len(store) == 2


@pytest.mark.promise("Two commands never write to the same file at the same time")
def test_two_release_conversions_to_the_same_file(tmp_path):
    release = write_release(tmp_path / "release", [MadeVideo("one", 12, 48, 64, 1)])
    (tmp_path / "out").mkdir()
    arguments = [release, tmp_path / "out" / "data.h5", "--withheld", 1]
    run_twice_at_once("convert_youtube_pose_to_h5", arguments, tmp_path)
    assert sorted(os.listdir(tmp_path / "out")) == ["data.h5", "data_withheld.h5"]


@pytest.mark.promise("Two commands never write to the same file at the same time")
def test_two_predictions_to_the_same_file(tmp_path):
    (tmp_path / "in").mkdir()
    Image.new("RGB", (64, 48)).save(tmp_path / "in" / "1.png")
    (tmp_path / "out").mkdir()
    line = run_twice_at_once("predict", ["model", tmp_path / "in", "--out", tmp_path / "out" / "limbs"], tmp_path)
    assert "another command is writing" in line and os.listdir(tmp_path / "out") == []
