"""Commands while the system clock is set back repeatedly, on files dated in the future."""

import itertools
import os
import signal
import sys
import time

import numpy as np
import pytest

import convert_pkl_to_h5
import train
from pipeline.store.reader import SequenceStore
from run import evaluation
from run.history import read_history
from support.atomic_write import atomic_write
from tests.pipeline.sources.pickles import made_arrays, pickled

DAY = 24 * 3600.0
SETTINGS = ["--network", "strided", "--no-augment", "--epochs", 1, "--batch-size", 16, "--num-units", 8]
SETTINGS += ["--evaluations", 4, "--precision", "float32", "--validation-sequences", 20]


@pytest.fixture(autouse=True)
def clock_goes_back(monkeypatch):
    """Sets the clock back by another day each time it is read."""
    days, now = itertools.count(), time.time()
    monkeypatch.setattr(time, "time", lambda: now - next(days) * DAY)


def date_in_the_future(folder):
    for path in folder.rglob("*"):
        os.utime(path, (4e9, 4e9))  # the year 2096


@pytest.mark.promise("Setting the system clock forward or back affects neither runs nor conversions")
def test_a_run_stops_and_resumes(people, monkeypatch, tmp_path):
    out = tmp_path / "run"
    append = evaluation.append_to_history

    def append_and_stop(path, row):
        append(path, row)
        if len(read_history(path)) == 2:
            os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr(evaluation, "append_to_history", append_and_stop)
    monkeypatch.setattr(train, "finish", lambda *arguments: None)
    began = time.perf_counter()
    for arguments in (["--data", people.path, *SETTINGS, "--out", out], ["--resume", "--out", out]):
        monkeypatch.setattr(sys, "argv", ["train.py", *map(str, arguments)])
        train.main()
        date_in_the_future(tmp_path)
    rows = read_history(out / "history.csv")
    steps, seconds = ([row[column] for row in rows] for column in ("step", "seconds"))
    assert len(rows) > 2 and steps[-1] == 7 and min(np.diff([0, *steps])) > 0
    assert min(np.diff([0, *seconds])) > 0 and seconds[-1] < time.perf_counter() - began
    last = {path.name.split(".")[0] for path in (out / "checkpoints" / "last").iterdir()}
    assert last == {"checkpoint", f"training-{steps[-2]}", f"training-{steps[-1]}"}


@pytest.mark.promise("Setting the system clock forward or back affects neither runs nor conversions")
def test_a_conversion_removes_abandoned_files_but_not_those_being_written(monkeypatch, tmp_path):
    source, destination = tmp_path / "data.pkl", tmp_path / "data.h5"
    source.write_bytes(pickled(made_arrays(2)))
    destination.touch()
    (tmp_path / ".data.h5.1.partial").touch()
    (tmp_path / ".data.h5.lock").touch()
    date_in_the_future(tmp_path)
    monkeypatch.setattr(sys, "argv", ["convert_pkl_to_h5.py", str(source), str(destination), "--overwrite"])
    with atomic_write(tmp_path / "other") as partial:
        os.rename(partial, tmp_path / ".data.h5.2.partial")  # as if another process were writing it
        convert_pkl_to_h5.main()
        os.rename(tmp_path / ".data.h5.2.partial", partial)
    assert sorted(os.listdir(tmp_path)) == ["data.h5", "data.pkl", "other"]
    with SequenceStore(destination) as store:
        assert len(store) == 2
