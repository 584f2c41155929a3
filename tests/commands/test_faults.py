"""Commands that are killed, stopped or run out of disk space, each in its own process.

The processes are forked from one that has already imported TensorFlow but has not started a session.
"""

import contextlib
import multiprocessing
import os
import random
import signal
import sys
import time

import h5py
import numpy as np
import pytest

import convert_pkl_to_h5
import train
from model.export.contract import contract_breaches
from pipeline.tensorflow_v1 import tf
from run.history import read_history
from run.stop_signals import stop_signals

resource = pytest.importorskip("resource")
# Imports TensorFlow here, before processes are forked.
assert tf.nn.rnn_cell

SETTINGS = ["--network", "strided", "--augment", "--epochs", 1, "--batch-size", 4, "--num-units", 8, "--seed", 3]
SETTINGS += ["--precision", "float32", "--validation-sequences", 20]
STEPS = 28
KILLS = 3
PATIENCE = 120  # seconds


@pytest.fixture(scope="session")
def processes():
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.commands.test_faults", "model.training.graph"])
    return context


@pytest.fixture
def start(processes, tmp_path):
    """Starts one of the functions below in a process that logs to the file `log`; kills it at the end of the test."""
    started = []

    def start(function, *arguments, **options):
        process = processes.Process(target=function, args=(tmp_path / "log", *arguments), kwargs=options)
        process.start()
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.join()


def write_output_to(log):
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)


def run_train(log, arguments, exports=False, largest_file=resource.RLIM_INFINITY, waits_after=None):
    """Runs train.py; with exports=False it ends before the export. largest_file: bytes.

    waits_after: the number of rows in history.csv after which it waits for a signal.
    """
    write_output_to(log)
    resource.setrlimit(resource.RLIMIT_FSIZE, (largest_file, resource.RLIM_INFINITY))
    if not exports:
        train.finish = lambda paths, data, description: None
    if waits_after is not None:
        wait_to_be_stopped(waits_after)
    sys.argv = ["train.py", *map(str, arguments)]
    train.main()


def wait_to_be_stopped(rows):
    """Makes train.py wait for a signal once it has written so many rows, so that the signal cannot come too late."""
    append, stop_signals_of_train, is_stopping = train.append_to_history, train.stop_signals, []

    @contextlib.contextmanager
    def remembered_stop_signals():
        with stop_signals_of_train() as asked:
            is_stopping.append(asked)
            yield asked

    def append_and_wait(path, row):
        append(path, row)
        while len(read_history(path)) >= rows and not is_stopping[0]():
            time.sleep(0.01)

    train.append_to_history, train.stop_signals = append_and_wait, remembered_stop_signals


def run_convert(log, arguments, before=None, after=None):
    """Runs convert_pkl_to_h5.py and prints how many function calls there are up to its os.replace, and after it.

    Kills it at call number `before` from the start, or `after` from its os.replace, where one is given.
    """
    write_output_to(log)
    sys.argv = ["convert_pkl_to_h5.py", *map(str, arguments)]
    calls = [0]

    def count(frame, event, argument):
        if event in ("call", "c_call"):
            calls[-1] += 1
            if (calls[-1] == before and len(calls) == 1) or (len(calls) == 2 and calls[-1] == after):
                os.kill(os.getpid(), signal.SIGKILL)
            if argument is os.replace:
                calls.append(0)

    sys.setprofile(count)
    convert_pkl_to_h5.main()
    sys.setprofile(None)
    print(*calls)


@pytest.fixture(scope="module")
def uninterrupted(processes, people, tmp_path_factory):
    """The folder of a run that was not interrupted."""
    folder = tmp_path_factory.mktemp("uninterrupted")
    arguments = ["--data", people.path, *SETTINGS, "--out", folder / "run"]
    process = processes.Process(target=run_train, args=(folder / "log", arguments))
    process.start()
    process.join()
    assert process.exitcode == 0, (folder / "log").read_text()
    return folder / "run"


def wait_for_rows(folder, number, process):
    """Waits until history.csv has so many rows or the process has ended."""
    deadline = time.monotonic() + PATIENCE
    while process.is_alive() and time.monotonic() < deadline:
        if (folder / "history.csv").exists() and len(read_history(folder / "history.csv")) >= number:
            return
        time.sleep(0.01)


def rows_but_for_seconds(folder):
    return [{**row, "seconds": None} for row in read_history(folder / "history.csv")]


def values_of(path):
    """All values of a checkpoint, as bytes by name, except the seconds of training."""
    reader = tf.train.load_checkpoint(str(path))
    names = set(reader.get_variable_to_shape_map()) - {"training_seconds"}
    return {name: np.asarray(reader.get_tensor(name)).tobytes() for name in names}


def check_ended_as(folder, uninterrupted):
    """Checks that weights, Adam's moments, averages and the best model equal those of the other run, bit for bit."""
    last = f"checkpoints/last/training-{STEPS}"
    assert values_of(folder / last) == values_of(uninterrupted / last)
    best, expected = (sorted((run / "checkpoints").glob("best-*"))[-1] for run in (folder, uninterrupted))
    assert best.name == expected.name
    assert values_of(best / "my_model") == values_of(expected / "my_model")


# Training


@pytest.mark.promise("A run that is killed at any moment resumes to the same history and weights")
def test_a_run_that_is_killed_at_random_moments_ends_as_one_that_is_not(start, uninterrupted, people, tmp_path):
    folder, log, draw = tmp_path / "run", tmp_path / "log", random.Random(5)
    arguments = ["--data", people.path, *SETTINGS, "--out", folder]
    for _ in range(KILLS):
        process = start(run_train, arguments)
        rows = len(read_history(folder / "history.csv")) if (folder / "history.csv").exists() else 0
        wait_for_rows(folder, rows + 1, process)
        time.sleep(draw.uniform(0, 0.5))
        process.kill()
        process.join()
        assert process.exitcode in (-signal.SIGKILL, 0), log.read_text()
        arguments = ["--resume", "--out", folder]

    # A kill may leave the data file of a checkpoint whose index was not written yet.
    last = folder / "checkpoints" / "last"
    step = max(int(path.name[len("training-") :].split(".")[0]) for path in last.glob("training-*.index"))
    newest = last / f"training-{step}.data-00000-of-00001"
    os.truncate(newest, newest.stat().st_size // 2)
    process = start(run_train, arguments, largest_file=newest.stat().st_size)
    process.join()
    assert process.exitcode == 2
    warning, error = (line for line in log.read_text().splitlines() if line.startswith(("warning: ", "error: ")))
    assert f"{newest.name.split('.')[0]} in {folder}/checkpoints/last: cut short; going on from step" in warning
    assert error == f"error: {folder}/checkpoints/last: File too large; free some disk space, then --resume goes on"

    process = start(run_train, arguments)
    process.join()
    assert process.exitcode == 0, log.read_text()
    assert rows_but_for_seconds(folder) == rows_but_for_seconds(uninterrupted)
    check_ended_as(folder, uninterrupted)
    assert not [path for path in folder.rglob("*") if "partial" in path.name or "temp" in path.name]
    assert len(list((folder / "checkpoints" / "last").iterdir())) == 5


@pytest.mark.promise("Ctrl-C, SIGTERM and a closed terminal stop a run cleanly: it saves, exports and exits with 0")
def test_ctrl_c_and_sigterm_save_and_export_and_end(start, uninterrupted, people, tmp_path):
    folder, log = tmp_path / "run", tmp_path / "log"
    process = start(run_train, ["--data", people.path, *SETTINGS, "--out", folder], waits_after=1)
    wait_for_rows(folder, 1, process)
    os.kill(process.pid, signal.SIGINT)
    process.join()
    assert process.exitcode == 0 and "stopped; --resume goes on from here\n" in log.read_text()
    stopped_at = read_history(folder / "history.csv")
    assert 0 < stopped_at[-1]["step"] < STEPS

    process = start(run_train, ["--resume", "--out", folder], exports=True, waits_after=len(stopped_at) + 1)
    wait_for_rows(folder, len(stopped_at) + 1, process)
    os.kill(process.pid, signal.SIGTERM)
    process.join()
    assert process.exitcode == 0 and "stopped; --resume goes on from here\n" in log.read_text()
    assert contract_breaches(str(folder / "model")) == []
    written = ["checkpoints", "config.json", "history.csv", "metrics.json", "model", "plots", "report.html"]
    assert sorted(os.listdir(folder)) == written

    process = start(run_train, ["--resume", "--out", folder])
    process.join()
    rows = read_history(folder / "history.csv")
    assert rows[: len(stopped_at)] == stopped_at
    assert (np.diff([row["step"] for row in rows]) > 0).all() and (np.diff([row["seconds"] for row in rows]) > 0).all()
    assert (rows[-1]["step"], rows[-1]["epoch"]) == (STEPS, 1)
    last = f"checkpoints/last/training-{STEPS}"
    weights, expected = values_of(folder / last), values_of(uninterrupted / last)
    del weights["best_validation_error"], expected["best_validation_error"]  # This run had more evaluations.
    assert weights == expected


def stop_at_a_terminal(log, terminal):
    """Prints to the terminal of this name before and after it is closed."""
    os.setsid()
    signal.signal(signal.SIGHUP, signal.SIG_DFL)  # The tests themselves may run under nohup.
    descriptor = os.open(terminal, os.O_RDWR)  # which makes it the terminal of this session
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    with stop_signals() as is_stopping:
        print("ready", flush=True)
        while not is_stopping():
            time.sleep(0.01)
        print("to nobody", flush=True)
        print("to nobody", file=sys.stderr, flush=True)
    log.write_text("ended in order")


@pytest.mark.promise("Ctrl-C, SIGTERM and a closed terminal stop a run cleanly: it saves, exports and exits with 0")
def test_a_terminal_that_is_closed_stops_in_order(start, tmp_path):
    ours, theirs = os.openpty()
    process = start(stop_at_a_terminal, os.ttyname(theirs))
    assert os.read(ours, 100).startswith(b"ready")
    os.close(theirs)
    os.close(ours)
    process.join(PATIENCE)
    assert (tmp_path / "log").read_text() == "ended in order" and process.exitcode == 0


# Converting


@pytest.fixture
def pickle_path(people):
    return people.path.with_suffix(".pkl")


def arrays_in(path):
    """The bytes of all data sets. Files of the same contents differ, since HDF5 records the time in them."""
    with h5py.File(path) as file:
        return b"".join(file[name][:].tobytes() for name in sorted(file))


@pytest.mark.promise(
    "A conversion that is killed, fails or runs out of space leaves the old file whole, or the new one"
)
def test_a_conversion_that_is_killed_leaves_the_old_file_whole_or_the_new_one(start, people, pickle_path, tmp_path):
    folder, log, draw = tmp_path / "folder", tmp_path / "log", random.Random(0)
    folder.mkdir()
    destination, new = folder / "data.h5", arrays_in(people.path)
    arguments = [pickle_path, destination, "--overwrite"]
    destination.write_bytes(b"old")
    process = start(run_convert, arguments)
    process.join()
    assert process.exitcode == 0 and arrays_in(destination) == new
    until_renamed, after_it = map(int, log.read_text().splitlines()[-1].split())
    kills = [{"before": call} for call in draw.sample(range(1, until_renamed), 5)]
    kills += [{"after": call} for call in [1, *draw.sample(range(2, after_it), 3)]]
    for kill in kills:
        destination.write_bytes(b"old")
        process = start(run_convert, arguments, **kill)
        process.join()
        assert process.exitcode == -signal.SIGKILL
        if "before" in kill:
            assert destination.read_bytes() == b"old"
        else:
            assert arrays_in(destination) == new
        assert len(list(folder.iterdir())) <= 2
    process = start(run_convert, arguments)
    process.join()
    assert process.exitcode == 0 and arrays_in(destination) == new
    assert list(folder.iterdir()) == [destination]
