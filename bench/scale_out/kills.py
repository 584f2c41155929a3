"""Kills workers of a run at random moments, resumes it, and compares the end with that of an undisturbed run."""

from __future__ import annotations

import random
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from bench.scale_out.places import Network, places
from bench.scale_out.runs import history_of, log_of, started, train
from pipeline.tensorflow_v1 import tf
from support.user_error import UserError

LONGEST = 10.0  # seconds within which all others must end
BROKEN = 3  # their exit status
SMALL = ["--num-units", "8", "--batch-size", "8", "--validation-sequences", "20", "--seed", "1"]
# Between two kills the run advances by two or three of these.
EVALUATIONS_A_KILL = 4


def kill_again_and_again(data: str, folder: Path, kills: int, workers: int, options: Sequence[str]) -> None:
    """Kills the workers in turn, `kills` times in all; raises UserError if a worker or the end is not as guaranteed."""
    length = ["--epochs", str(kills), "--evaluations", str(EVALUATIONS_A_KILL * kills)]
    options = [*SMALL, *length, "--precision", "float32", *options]
    with places(workers, Network()) as group:
        train(group, data, folder / "undisturbed", options)
    expected = history_of(folder / "undisturbed")
    # From the first evaluation on, because TensorFlow prepares a graph in its first step.
    between = (float(expected[-1]["seconds"]) - float(expected[0]["seconds"])) / (len(expected) - 1)
    print(f"{workers} workers, {len(expected)} evaluations, {1e3 * between:.0f} ms of training between two", flush=True)
    draw, run, slowest = random.Random(0), folder / "run", 0.0
    for number in range(kills):
        victim = number % workers
        moment = draw.uniform(0, EVALUATIONS_A_KILL * between)
        resume = ["--resume"] if (run / "config.json").exists() else []
        with places(workers, Network()) as group, started(group, data, run, [*options, *resume]) as processes:
            row = wait_for_a_row(run, processes)
            time.sleep(moment)
            seconds = kill(processes, victim, run)
        slowest = max(slowest, seconds)
        print(
            f"kill {number + 1:3}: worker {victim}, {moment:.1f} s after row {row}; others {seconds:.1f} s", flush=True
        )
    with places(workers, Network()) as group:
        train(group, data, run, [*options, "--resume"])
    check_same(run, folder / "undisturbed")
    print(
        f"{kills} kills: all others ended with status {BROKEN} and named the one that was killed, the slowest after "
        f"{slowest:.1f} s; checkpoint and history are those of the undisturbed run, bit for bit"
    )


def wait_for_a_row(run: Path, processes: Sequence[subprocess.Popen[bytes]]) -> int:
    """Waits until history.csv has a new row; returns the number of rows. Raises UserError if a process ends."""
    before = len(history_of(run))
    while (rows := len(history_of(run))) <= before:
        if any(process.poll() is not None for process in processes):
            raise UserError(f"the run ended before it was killed:\n{log_of(run, 0).read_text()[-2000:]}")
        time.sleep(0.02)
    return rows


def kill(processes: Sequence[subprocess.Popen[bytes]], victim: int, run: Path) -> float:
    """Kills one process; returns the seconds until the last of the others has ended."""
    processes[victim].send_signal(signal.SIGKILL)
    began = time.monotonic()
    others = [number for number in range(len(processes)) if number != victim]
    statuses = [processes[number].wait() for number in others]
    seconds = time.monotonic() - began
    name = f"worker {victim}" if victim else "the chief"
    for number, status in zip(others, statuses, strict=True):
        errors = [line for line in log_of(run, number).read_text().splitlines() if line.startswith("error: ")]
        is_named = len(errors) == 1 and errors[0].startswith(f"error: {name} at ")
        if status != BROKEN or seconds > LONGEST or not is_named:
            raise UserError(f"worker {number} ended with status {status} after {seconds:.1f} s and printed {errors}")
    return seconds


def check_same(run: Path, undisturbed: Path) -> None:
    """Raises UserError if history or checkpoint differ in anything but seconds."""
    histories = [[{**row, "seconds": ""} for row in history_of(folder)] for folder in (run, undisturbed)]
    if histories[0] != histories[1]:
        raise UserError("the history differs from that of the undisturbed run")
    values, expected = map(values_of, (run, undisturbed))
    if different := [name for name in expected if values.get(name) != expected[name]]:
        raise UserError(f"the checkpoint differs from that of the undisturbed run in {', '.join(different)}")


def values_of(run: Path) -> dict[str, bytes]:
    """The values of the newest checkpoint by name, without the seconds of training."""
    reader = tf.train.load_checkpoint(str(run / "checkpoints" / "last"))
    names = set(reader.get_variable_to_shape_map()) - {"training_seconds"}
    return {name: np.asarray(reader.get_tensor(name)).tobytes() for name in names}
