"""train.py, started on several workers."""

from __future__ import annotations

import contextlib
import csv
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from bench.scale_out.places import Place
from support.user_error import UserError

PORT = 23000


@contextlib.contextmanager
def started(
    places: Sequence[Place], data: str, out: Path, options: Sequence[str]
) -> Iterator[list[subprocess.Popen[bytes]]]:
    """Yields a process for each place, the chief's first; kills those that are left at the end.

    The output of worker N goes to the file OUT-N.log.
    """
    addresses = [f"{place.address}:{PORT + number}" for number, place in enumerate(places)]
    group: list[subprocess.Popen[bytes]] = []
    try:
        for number, place in enumerate(places):
            task = {"cluster": {"worker": addresses}, "task": {"type": "worker", "index": number}}
            command = [*place.command_prefix, sys.executable, "train.py", "--data", data, "--out", str(out), *options]
            environment = {**os.environ, "TF_CONFIG": json.dumps(task)}
            with log_of(out, number).open("w") as log:
                group.append(subprocess.Popen(command, env=environment, stdout=log, stderr=log))
        yield group
    finally:
        for process in group:
            process.kill()
            process.wait()


def train(places: Sequence[Place], data: str, out: Path, options: Sequence[str]) -> None:
    """Trains to the end; raises UserError with what a worker that failed has printed."""
    with started(places, data, out, options) as group:
        for number, status in enumerate([process.wait() for process in group]):
            if status:
                raise UserError(
                    f"worker {number} ended with status {status}:\n{log_of(out, number).read_text()[-2000:]}"
                )


def log_of(out: Path, number: int) -> Path:
    return out.parent / f"{out.name}-{number}.log"


def history_of(out: Path) -> list[dict[str, str]]:
    """The rows of history.csv; none if the file does not exist yet."""
    path = out / "history.csv"
    return list(csv.DictReader(path.open())) if path.exists() else []


def seconds_per_step(out: Path) -> float:
    """From the first evaluation on: TensorFlow prepares a graph in its first step."""
    rows = history_of(out)
    steps, seconds = (float(rows[-1][name]) - float(rows[0][name]) for name in ("step", "seconds"))
    if not steps:
        raise UserError("too few steps to measure; raise --time-limit")
    return seconds / steps
