"""train.py on several workers, which are processes on this machine.

The processes are forked from one that has imported TensorFlow but has not started a session.
"""

import json
import multiprocessing
import os
import shutil
import signal
import socket
import sys
import time
from functools import partial

import h5py
import numpy as np
import pytest

import train
from pipeline.tensorflow_v1 import tf
from run.cluster import membership
from run.evaluation import Evaluator
from run.history import read_history
from tests.commands.test_faults import PATIENCE, values_of, wait_for_rows, write_output_to

# Imports TensorFlow here, before processes are forked.
assert tf.nn.rnn_cell

# 22 sequences: two batches of 8, and one of 6.
PYRAMID = ["--network", "pyramid", "--num-units", 4, "--batch-size", 8, "--epochs", 1, "--seed", 3]
PYRAMID += ["--augment", "--precision", "float32", "--validation-sequences", 100]
# 110 sequences: 18 batches of 6, and one of 2, in which two of the four shards are empty.
STRIDED = ["--network", "strided", "--num-units", 4, "--batch-size", 6, "--epochs", 1, "--seed", 3]
STRIDED += ["--augment", "--precision", "float32", "--validation-sequences", 20]


@pytest.fixture(scope="module")
def processes():
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.commands.test_cluster", "model.training.graph"])
    return context


@pytest.fixture(scope="module")
def start(processes):
    """Starts train.py on several workers (see start_workers); they are killed after the tests."""
    started = []

    def start_workers(folder, *arguments, workers=2, before=None, by_worker=None, addresses=None, first=0):
        """Starts the workers numbered from `first` to `workers` - 1; returns their processes.

        Worker N writes its output to worker-N.log in the folder, and the chief writes its run to the subfolder `run`.
        before: a function that each worker calls first, with its number. by_worker: additional arguments, by worker.
        """
        addresses = addresses or free_addresses(workers)
        group = []
        for number in range(len(addresses)):
            task = {"cluster": {"worker": addresses}, "task": {"type": "worker", "index": number}}
            own_arguments = [*arguments, "--out", folder / ("run" if number == 0 else "never created")]
            own_arguments += (by_worker or {}).get(number, [])
            config = json.dumps(task) if len(addresses) > 1 else None
            log = folder / f"worker-{number}.log"
            group.append(processes.Process(target=run_train, args=(log, number, config, own_arguments, before)))
        for process in group[first:workers]:
            process.start()
            started.append(process)
        return group[first:workers]

    yield start_workers
    for process in started:
        process.kill()
        process.join()


def run_train(log, number, config, arguments, before):
    write_output_to(log)
    train.finish = lambda *arguments: None
    os.environ.pop("TF_CONFIG", None)
    if config is not None:
        os.environ["TF_CONFIG"] = config
    if before is not None:
        before(number)
    sys.argv = ["train.py", *map(str, arguments)]
    train.main()


def free_addresses(number):
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(number)]
    addresses = [f"127.0.0.1:{server.getsockname()[1]}" for server in sockets]
    for server in sockets:
        server.close()
    return addresses


def statuses(group):
    for process in group:
        process.join(PATIENCE)
    return [process.exitcode for process in group]


def logs(folder):
    return [path.read_text() for path in sorted(folder.glob("worker-*.log"))]


def error_lines(folder):
    return [[line for line in log.splitlines() if line.startswith("error: ")] for log in logs(folder)]


def losses(folder):
    return [row["train_loss"] for row in read_history(folder / "run" / "history.csv")]


def last_values(folder):
    """All values of the newest checkpoint as bytes, by name, except the training time."""
    index = max((folder / "run/checkpoints/last").glob("*.index"), key=lambda path: int(path.stem.split("-")[1]))
    return values_of(index.with_suffix(""))


@pytest.fixture(scope="module")
def pair(start, people, tmp_path_factory):
    """The folder of an uninterrupted run of two workers."""
    return trained(start, tmp_path_factory.mktemp("pair"), people, workers=2)


def trained(start, folder, people, workers, arguments=(), before=None):
    arguments = ["--data", people.path, *PYRAMID, "--evaluations", 30, *arguments]
    group = start(folder, *arguments, workers=workers, before=before)
    assert statuses(group) == [0] * workers, logs(folder)
    return folder


@pytest.mark.promise(
    "A training step of two workers has the loss and gradient of a single worker with the same shards, within float32 "
    "rounding"
)
def test_a_step_of_two_workers_has_the_loss_and_gradient_of_one(start, people, tmp_path):
    # One step only: Adam amplifies rounding differences in gradients near zero, so later steps differ by more.
    one_step = ["--batch-size", 22, "--evaluations", 1]
    folders = [tmp_path / "one", tmp_path / "two"]
    for workers, folder in enumerate(folders, 1):
        folder.mkdir()
        cores = partial(use_cores, 4 // workers)
        trained(start, folder, people, workers=workers, arguments=one_step, before=cores)
    one, two = map(losses, folders)
    assert len(one) == 1
    np.testing.assert_allclose(two, one, rtol=1e-5)
    assert not (folders[1] / "never created").exists()

    one, two = map(first_moments, folders)
    assert len(one) > 20
    # Rounding decides for a few values close to zero whether ReLU passes their gradients.
    for name, expected in one.items():
        assert np.linalg.norm(two[name] - expected) < 0.01 * np.linalg.norm(expected), name


def use_cores(cores, number):
    """Divides the worker's part of each batch into this many shards."""
    membership.usable_cores = lambda: cores


def first_moments(folder):
    """Adam's first moments by variable name; after one step they are the gradients times a constant."""
    values = tf.train.load_checkpoint(folder / "run" / "checkpoints" / "last")
    names = [name for name in values.get_variable_to_shape_map() if name.endswith("/Adam")]
    return {name: values.get_tensor(name) for name in names}


def signal_after_two_steps(signal_number, number):
    """Sends this signal to worker 1 only."""
    if number == 1:
        take = train.Steps.take

        def signal_and_take(self, learning_rate):
            if self.number == 2:
                os.kill(os.getpid(), signal_number)
            return take(self, learning_rate)

        train.Steps.take = signal_and_take


@pytest.mark.promise("If a worker dies, all others end and name it, and --resume gives the same bits")
def test_the_same_number_of_workers_resumes_to_the_same_bits_without_exact(start, pair, people, tmp_path):
    arguments = ["--data", people.path, *PYRAMID, "--evaluations", 30]
    group = start(tmp_path, *arguments, workers=2, before=partial(signal_after_two_steps, signal.SIGKILL))
    assert statuses(group) == [3, -signal.SIGKILL], logs(tmp_path)
    assert len(losses(tmp_path)) == 2
    trained(start, tmp_path, people, workers=2, arguments=["--resume"])
    assert losses(tmp_path) == losses(pair)
    assert last_values(tmp_path) == last_values(pair)


@pytest.fixture(scope="module")
def alone(start, people, tmp_path_factory):
    """The folder of an uninterrupted run of one worker with --exact."""
    folder = tmp_path_factory.mktemp("alone")
    group = start(folder, "--data", people.path, *STRIDED, "--exact", workers=1)
    assert statuses(group) == [0], logs(folder)
    return folder


@pytest.mark.promise("With --exact, 1, 2 and 4 workers give bit-identical results")
@pytest.mark.promise("If a worker dies, all others end and name it, and --resume gives the same bits")
def test_a_run_resumes_to_the_same_bits_on_other_numbers_of_workers(start, alone, people, tmp_path):
    arguments = ["--data", people.path, *STRIDED, "--exact"]
    rows = 0
    for workers, victim in ((2, 1), (4, 0)):
        group = start(tmp_path, *arguments, workers=workers)
        wait_for_rows(tmp_path / "run", rows + 2, group[0])
        group[victim].kill()
        expected = [3] * workers
        expected[victim] = -signal.SIGKILL
        assert statuses(group) == expected, logs(tmp_path)
        for number, errors in enumerate(error_lines(tmp_path)[:workers]):
            name = f"worker {victim}" if victim else "the chief"
            assert number == victim or (len(errors) == 1 and errors[0].startswith(f"error: {name} at 127.0.0.1:"))
        rows = len(read_history(tmp_path / "run" / "history.csv"))
        arguments = ["--data", people.path, *STRIDED, "--exact", "--resume"]
    assert statuses(start(tmp_path, "--resume", workers=1)) == [0], logs(tmp_path)
    assert losses(tmp_path) == losses(alone)
    assert last_values(tmp_path) == last_values(alone)


@pytest.mark.parametrize("victim", [0, 1])
def test_a_worker_restarted_immediately_ends_with_the_broken_cluster(start, people, tmp_path, victim):
    addresses = free_addresses(2)
    arguments = ["--data", people.path, *STRIDED, "--evaluations", 30]
    group = start(tmp_path, *arguments, addresses=addresses, before=evaluate_slowly)
    wait_for_rows(tmp_path / "run", 2, group[0])
    group[victim].kill()
    group[victim].join()
    restarted = {"first": victim, "workers": victim + 1, "addresses": addresses}
    group[victim : victim + 1] = start(tmp_path, *arguments, *["--resume"][victim:], **restarted)
    assert statuses(group) == [3, 3], logs(tmp_path)
    errors = error_lines(tmp_path)
    names = ["the chief", "worker 1"]
    assert len(errors[1 - victim]) == 1
    assert errors[1 - victim][0].startswith(f"error: {names[victim]} at {addresses[victim]} has ended")
    assert len(errors[victim]) == 1 and f"error: {names[1 - victim]} at {addresses[1 - victim]}" in errors[victim][0]


def evaluate_slowly(number):
    """Keeps the run from finishing before a worker is killed."""
    evaluate = Evaluator.evaluate_and_save

    def wait_and_evaluate(*arguments):
        time.sleep(0.5)
        return evaluate(*arguments)

    Evaluator.evaluate_and_save = wait_and_evaluate


def hang_in_evaluation(number):
    def evaluate_forever(*_):
        print("evaluating", flush=True)
        time.sleep(PATIENCE)

    Evaluator.evaluate_and_save = evaluate_forever


@pytest.mark.promise("If a worker dies, all others end and name it, and --resume gives the same bits")
def test_a_dead_worker_is_noticed_while_the_chief_evaluates(start, people, tmp_path):
    group = start(tmp_path, "--data", people.path, *STRIDED, workers=2, before=hang_in_evaluation)
    log, deadline = tmp_path / "worker-0.log", time.monotonic() + PATIENCE
    while not (log.exists() and "evaluating" in log.read_text()) and time.monotonic() < deadline:
        time.sleep(0.05)
    group[1].kill()
    assert statuses(group) == [3, -signal.SIGKILL], logs(tmp_path)
    assert len(error_lines(tmp_path)[0]) == 1 and "error: worker 1 at " in error_lines(tmp_path)[0][0]


@pytest.mark.promise("Workers whose data, program or settings differ from the chief's are named before the first step")
def test_all_workers_name_the_one_that_differs_before_the_first_step(start, people, tmp_path):
    other = shutil.copy(people.path, tmp_path / "other.h5")
    with h5py.File(other, "r+") as file:
        file.attrs["source_sha256"] = "ab" * 32
    differing = {1: ["--data", other, "--batch-size", 7]}
    group = start(tmp_path, "--data", people.path, *STRIDED, workers=3, by_worker=differing)
    assert statuses(group) == [2, 2, 2], logs(tmp_path)
    for errors in error_lines(tmp_path):
        assert len(errors) == 1
        assert errors[0].startswith("error: worker 1 at 127.0.0.1:") and "worker 2" not in errors[0]
        assert "the data (the SHA-256" in errors[0] and "--batch-size" in errors[0] and "--seed" not in errors[0]
    assert not (tmp_path / "run" / "history.csv").exists()


def wait_only_one_second(number):
    membership.SECONDS_TO_MEET = 1.0


@pytest.mark.promise("A missing worker is named within a minute")
def test_a_missing_worker_is_named(start, people, tmp_path):
    addresses = free_addresses(3)
    group = start(
        tmp_path, "--data", people.path, *STRIDED, workers=2, addresses=addresses, before=wait_only_one_second
    )
    assert statuses(group) == [2, 2], logs(tmp_path)
    for errors in error_lines(tmp_path):
        assert errors == [
            f"error: no answer from worker 2 at {addresses[2]} within 1 s; start it, or correct TF_CONFIG"
        ]


def test_an_address_in_use_or_of_another_machine_is_an_error(start, people, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        own = f"127.0.0.1:{taken.getsockname()[1]}"
        for address, why in ((own, "Address already in use"), ("192.0.2.200:2222", "Cannot assign requested address")):
            group = start(tmp_path, "--data", people.path, *STRIDED, workers=1, addresses=[address, *free_addresses(1)])
            assert statuses(group) == [2]
            line = f"error: cannot listen at {address}, this worker's address in TF_CONFIG ({why}); use an address"
            assert error_lines(tmp_path)[0][0].startswith(line)
    assert not (tmp_path / "run" / "history.csv").exists()


def test_a_signal_to_one_worker_stops_all_after_the_same_step(start, people, tmp_path):
    limits = ["--time-limit", 600]
    group = start(
        tmp_path,
        "--data",
        people.path,
        *STRIDED,
        *limits,
        workers=2,
        before=partial(signal_after_two_steps, signal.SIGTERM),
    )
    assert statuses(group) == [0, 0], logs(tmp_path)
    assert read_history(tmp_path / "run" / "history.csv")[-1]["step"] in (3, 4)
    assert all("stopped; continue with --resume" in log for log in logs(tmp_path))
