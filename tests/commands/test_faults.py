"""Commands that are killed, stopped or run out of disk space, each in a separate process.

The processes are forked from one that has imported TensorFlow but has not started a session.
"""

import contextlib
import io
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
import convert_youtube_pose_to_h5
import train
from model.export.contract import contract_breaches
from pipeline.sources import release_conversion
from pipeline.sources.youtube_pose_release import read_annotations
from pipeline.tensorflow_v1 import tf
from run import evaluation
from run.history import read_history
from run.process import stop_signals
from support.user_error import reported_user_errors
from tests.pipeline.sources.pickles import made_arrays, pickled
from tests.pipeline.sources.youtube_pose import MadeVideo, write_release

fcntl, resource = pytest.importorskip("fcntl"), pytest.importorskip("resource")
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
    """Starts one of the functions below in a process that writes to the file `log`; it is killed after the test."""
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
    """Runs train.py, without the export if `exports` is False.

    largest_file: limit for the size of files, in bytes. waits_after: the number of rows in history.csv after which it
    waits for a signal.
    """
    write_output_to(log)
    resource.setrlimit(resource.RLIMIT_FSIZE, (largest_file, resource.RLIM_INFINITY))
    if not exports:
        train.finish = lambda *arguments: None
    if waits_after is not None:
        wait_to_be_stopped(waits_after)
    sys.argv = ["train.py", *map(str, arguments)]
    train.main()


def run_train_until_it_aborts(log, arguments):
    """Runs train.py, which aborts when it first needs TensorFlow."""
    write_output_to(log)
    train.prepare_tensorflow = lambda settings, cluster: os.abort()
    sys.argv = ["train.py", *map(str, arguments)]
    train.main()


def wait_to_be_stopped(rows):
    """Makes train.py wait for a signal after it has written this many rows, so that the signal is never late."""
    append, stop_signals_of_train, is_stopping = evaluation.append_to_history, train.stop_signals, []

    @contextlib.contextmanager
    def remembered_stop_signals():
        with stop_signals_of_train() as asked:
            is_stopping.append(asked)
            yield asked

    def append_and_wait(path, row):
        append(path, row)
        while len(read_history(path)) >= rows and not is_stopping[0]():
            time.sleep(0.01)

    evaluation.append_to_history, train.stop_signals = append_and_wait, remembered_stop_signals


def run_until_killed(log, main, arguments, annotations, before=None):
    """Runs main() of a command and prints the names of its system calls on files, starting with the first lock.

    annotations: replaces reading a release's annotations, which would need another process. before: the position of
    the system call before which the process is killed; None lets it finish.
    """
    write_output_to(log)
    release_conversion.read_annotations = lambda release: annotations
    sys.argv = ["command", *map(str, arguments)]
    names = []

    def note(frame, event, function):
        name = system_call_of(function) if event == "c_call" else None
        if name and (names or name == "flock"):
            if len(names) == before:
                os.kill(os.getpid(), signal.SIGKILL)
            names.append(name)

    sys.setprofile(note)
    main()
    sys.setprofile(None)
    print(*names)


def system_call_of(function):
    """The system call of a built-in function if it creates, changes or removes a file, else None."""
    if function in (open, os.fsync, os.replace, os.remove, fcntl.flock):
        return function.__name__
    of_file = isinstance(getattr(function, "__self__", None), (io.FileIO, io.BufferedWriter, io.BufferedRandom))
    return function.__name__ if of_file and function.__name__ in ("write", "truncate", "close", "__exit__") else None


@pytest.fixture(scope="module")
def uninterrupted(processes, people, tmp_path_factory):
    """The folder of an uninterrupted run."""
    folder = tmp_path_factory.mktemp("uninterrupted")
    arguments = ["--data", people.path, *SETTINGS, "--out", folder / "run"]
    process = processes.Process(target=run_train, args=(folder / "log", arguments))
    process.start()
    process.join()
    assert process.exitcode == 0, (folder / "log").read_text()
    return folder / "run"


def wait_for_rows(folder, number, process):
    """Waits until history.csv has this many rows or the process has ended."""
    deadline = time.monotonic() + PATIENCE
    while process.is_alive() and time.monotonic() < deadline:
        if (folder / "history.csv").exists() and len(read_history(folder / "history.csv")) >= number:
            return
        time.sleep(0.01)


def rows_without_seconds(folder):
    return [{**row, "seconds": None} for row in read_history(folder / "history.csv")]


def values_of(path):
    """All values of a checkpoint as bytes, by name, except the training time."""
    reader = tf.train.load_checkpoint(str(path))
    names = set(reader.get_variable_to_shape_map()) - {"training_seconds"}
    return {name: np.asarray(reader.get_tensor(name)).tobytes() for name in names}


def check_same_end(folder, uninterrupted):
    """Checks that weights, Adam's moments, averages and the best model of two runs are equal, bit for bit."""
    last = f"checkpoints/last/training-{STEPS}"
    assert values_of(folder / last) == values_of(uninterrupted / last)
    best, expected = (sorted((run / "checkpoints").glob("best-*"))[-1] for run in (folder, uninterrupted))
    assert best.name == expected.name
    assert values_of(best / "my_model") == values_of(expected / "my_model")


# Training


@pytest.mark.promise(
    "A run with --epochs and float32 that is killed at any moment and resumed ends like an uninterrupted run"
)
def test_a_run_killed_at_random_moments_ends_like_an_uninterrupted_one(start, uninterrupted, people, tmp_path):
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

    # A killed run may leave a checkpoint's data file without its index.
    last = folder / "checkpoints" / "last"
    step = max(int(path.name[len("training-") :].split(".")[0]) for path in last.glob("training-*.index"))
    newest = last / f"training-{step}.data-00000-of-00001"
    os.truncate(newest, newest.stat().st_size // 2)
    process = start(run_train, arguments, largest_file=newest.stat().st_size)
    process.join()
    assert process.exitcode == 2
    warning, error = (line for line in log.read_text().splitlines() if line.startswith(("warning: ", "error: ")))
    assert f"{newest.name.split('.')[0]} in {folder}/checkpoints/last: damaged; resuming from step" in warning
    advice = "free some disk space, then continue with --resume"
    assert error == f"error: {folder}/checkpoints/last: File too large; {advice}"

    process = start(run_train, arguments)
    process.join()
    assert process.exitcode == 0, log.read_text()
    assert rows_without_seconds(folder) == rows_without_seconds(uninterrupted)
    check_same_end(folder, uninterrupted)
    assert not [path for path in folder.rglob("*") if "partial" in path.name or "temp" in path.name]
    assert len(list((folder / "checkpoints" / "last").iterdir())) == 5


@pytest.mark.promise(
    "A run that is killed or aborted, for example because memory ran out, is reported in one error line"
)
def test_an_aborted_run_is_reported(start, people, tmp_path):
    process = start(run_train_until_it_aborts, ["--data", people.path, *SETTINGS, "--out", tmp_path / "run"])
    process.join()
    assert process.exitcode == -signal.SIGABRT
    deadline = time.monotonic() + PATIENCE
    while "error: " not in (tmp_path / "log").read_text() and time.monotonic() < deadline:
        time.sleep(0.01)
    [line] = [line for line in (tmp_path / "log").read_text().splitlines() if line.startswith("error: ")]
    assert line.startswith("error: the run was killed or aborted") and "use a smaller --batch-size" in line


@pytest.mark.promise("Ctrl-C, SIGTERM and a closed terminal stop a run cleanly: it saves, exports and exits with 0")
def test_ctrl_c_and_sigterm_save_export_and_exit(start, uninterrupted, people, tmp_path):
    folder, log = tmp_path / "run", tmp_path / "log"
    process = start(run_train, ["--data", people.path, *SETTINGS, "--out", folder], waits_after=1)
    wait_for_rows(folder, 1, process)
    os.kill(process.pid, signal.SIGINT)
    process.join()
    assert process.exitcode == 0 and "stopped; continue with --resume\n" in log.read_text()
    stopped_at = read_history(folder / "history.csv")
    assert 0 < stopped_at[-1]["step"] < STEPS

    process = start(run_train, ["--resume", "--out", folder], exports=True, waits_after=len(stopped_at) + 1)
    wait_for_rows(folder, len(stopped_at) + 1, process)
    os.kill(process.pid, signal.SIGTERM)
    process.join()
    assert process.exitcode == 0 and "stopped; continue with --resume\n" in log.read_text()
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


def print_to_closing_terminal(log, terminal):
    """Prints to the terminal with this name, before and after it is closed."""
    os.setsid()
    signal.signal(signal.SIGHUP, signal.SIG_DFL)  # The tests may run under nohup.
    descriptor = os.open(terminal, os.O_RDWR)  # makes it the session's terminal
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    with reported_user_errors(), stop_signals() as is_stopping:
        print("ready", flush=True)
        while not is_stopping():
            time.sleep(0.01)
        print("dropped", flush=True)
        print("dropped", file=sys.stderr, flush=True)
    log.write_text("ended cleanly")


@pytest.mark.promise("Ctrl-C, SIGTERM and a closed terminal stop a run cleanly: it saves, exports and exits with 0")
def test_closing_the_terminal_stops_cleanly(start, tmp_path):
    ours, theirs = os.openpty()
    process = start(print_to_closing_terminal, os.ttyname(theirs))
    assert os.read(ours, 100).startswith(b"ready")
    os.close(theirs)
    os.close(ours)
    process.join(PATIENCE)
    assert (tmp_path / "log").read_text() == "ended cleanly" and process.exitcode == 0


# Converting


def arrays_in(path):
    """The bytes of all data sets. Whole files differ even if their data is equal: HDF5 stores the time in them."""
    with h5py.File(path) as file:
        return b"".join(file[name][:].tobytes() for name in sorted(file))


def pickle_conversion(folder):
    """main() of a command, its arguments, the annotations of its release, and the files it writes, in order."""
    (folder / "data.pkl").write_bytes(pickled(made_arrays(2)))
    return convert_pkl_to_h5.main, [folder / "data.pkl", folder / "folder" / "data.h5"], None, ["data.h5"]


def release_with_withheld_videos(folder):
    """The same for a conversion that writes two files."""
    release = write_release(folder / "release", [MadeVideo("one", 12, 48, 64, 1)])
    arguments = [release, folder / "folder" / "data.h5", "--withheld", 1]
    return convert_youtube_pose_to_h5.main, arguments, read_annotations(str(release)), ["data_withheld.h5", "data.h5"]


def kill_positions(calls):
    """The positions of all calls, without writes between two other writes: kills there have the same effect."""
    return [position for position in range(len(calls)) if set(calls[max(0, position - 1) : position + 2]) != {"write"}]


@pytest.mark.promise(
    "A conversion that is killed, fails or runs out of disk space leaves the complete old file or the complete new one"
)
@pytest.mark.promise("Partial files that a killed process left behind are removed by the next one")
@pytest.mark.parametrize(
    "make, replaces",
    [(pickle_conversion, False), (pickle_conversion, True), (release_with_withheld_videos, True)],
)
def test_a_killed_conversion_leaves_the_complete_old_or_new_file(make, replaces, start, monkeypatch, tmp_path):
    folder, log = tmp_path / "folder", tmp_path / "log"
    folder.mkdir()
    main, arguments, annotations, written = make(tmp_path)
    monkeypatch.setattr(release_conversion, "read_annotations", lambda release: annotations)
    arguments = [*arguments, *(["--overwrite"] if replaces else [])]
    run_until_end = start(run_until_killed, main, arguments, annotations)
    run_until_end.join()
    assert run_until_end.exitcode == 0, log.read_text()
    calls = log.read_text().splitlines()[-1].split()
    renamed = [position for position, name in enumerate(calls) if name == "replace"]
    new = {name: arrays_in(folder / name) for name in written}
    assert len(renamed) == len(written) and {"write", "truncate", "fsync", "flock", "remove"} <= set(calls)
    for before in kill_positions(calls):
        for name in written:
            (folder / name).write_bytes(b"old") if replaces else (folder / name).unlink()
        process = start(run_until_killed, main, arguments, annotations, before)
        process.join()
        assert process.exitcode == -signal.SIGKILL
        for name, position in zip(written, renamed, strict=True):
            if before > position:
                assert arrays_in(folder / name) == new[name]
            elif replaces:
                assert (folder / name).read_bytes() == b"old"
            else:
                assert not (folder / name).exists()
        monkeypatch.setattr(sys, "argv", ["command", *map(str, arguments), "--overwrite"])
        main()
        assert sorted(os.listdir(folder)) == sorted(written)
        assert {name: arrays_in(folder / name) for name in written} == new
