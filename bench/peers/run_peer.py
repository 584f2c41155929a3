"""Runs one peer in a separate process: `python -m bench.peers.run_peer`, which bench.peers starts.

Arguments: `write MODULE DATA.h5 FOLDER` makes the peer's files in the folder. `measure MODULE TASK SECONDS CHECK`
prints a Measurement as JSON; with CHECK 1, a batch is then compared with the store.
"""

from __future__ import annotations

import dataclasses
import importlib
import json
import logging
import multiprocessing
import os
import re
import resource
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np

from bench.peers.task import SEQUENCES_PER_READ, Delivery, Task
from pipeline.store.reader import SequenceStore

WARM_UP_BATCHES = 20


@dataclasses.dataclass(frozen=True)
class Measurement:
    """What one run of a peer measured."""

    rate: float  # sequences per second
    first_seconds: float  # from the start to the first batch, without imports
    mebibytes: float  # peak memory, over that of the imports
    bytes_read: float | None  # per delivered sequence, including what was read ahead; None if unknown


def main() -> None:
    # Ctrl-C ends this process without a traceback; bench.peers prints `stopped`.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    logging.getLogger("absl").setLevel(logging.ERROR)
    action, module, *arguments = sys.argv[1:]
    peer = import_quietly(f"bench.peers.{module}")
    if action == "write":
        peer.write(*arguments)
        return
    task, seconds, is_to_check = Task.from_json(arguments[0]), float(arguments[1]), arguments[2] == "1"
    measurement, delivery = measure(peer.deliver, task, seconds)
    if is_to_check:
        check_batch(task, *delivery.arrays())
    print(json.dumps(dataclasses.asdict(measurement)), flush=True)
    exit_at_once()


def import_quietly(name: str) -> ModuleType:
    """Imports a module; what its libraries log meanwhile is shown only if that fails."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    terminal = os.dup(2)
    with tempfile.TemporaryFile() as log:
        os.dup2(log.fileno(), 2)
        try:
            return importlib.import_module(name)
        except BaseException:
            log.seek(0)
            os.write(terminal, log.read())
            raise
        finally:
            os.dup2(terminal, 2)
            os.close(terminal)


def measure(start: Callable[[Task], Delivery], task: Task, seconds: float) -> tuple[Measurement, Delivery]:
    """Starts a peer and draws batches for this many seconds, after WARM_UP_BATCHES that are not timed.

    Bytes read are those of whole epochs, or of a part of the first epoch if it is not complete.
    """
    batches_per_epoch, bytes_before = max(1, task.sequences // task.batch_size), bytes_read()
    read: float | None = None
    imported_mebibytes = peak_mebibytes()
    began = time.perf_counter()
    delivery = start(task)
    delivery.deliver()
    first_seconds = time.perf_counter() - began
    for _ in range(WARM_UP_BATCHES - 1):
        delivery.deliver()
    began, count, elapsed = time.perf_counter(), 0, 0.0
    while elapsed < seconds:
        delivery.deliver()
        count += 1
        if (WARM_UP_BATCHES + count) % batches_per_epoch == 0:
            read = bytes_per_sequence(task, WARM_UP_BATCHES + count, bytes_before)
        elapsed = time.perf_counter() - began
    mebibytes = peak_mebibytes() + workers_mebibytes() - imported_mebibytes
    if read is None:
        read = bytes_per_sequence(task, WARM_UP_BATCHES + count, bytes_before)
    return Measurement(task.batch_size * count / elapsed, first_seconds, mebibytes, read), delivery


def bytes_per_sequence(task: Task, batches: int, bytes_before: int | None) -> float | None:
    """Bytes read per sequence when this many batches have been delivered; None if unknown."""
    read = bytes_read()
    return None if read is None or bytes_before is None else (read - bytes_before) / (batches * task.batch_size)


def peak_mebibytes() -> float:
    """The peak memory of this process so far."""
    status = Path("/proc/self/status")
    if status.exists():
        # ru_maxrss begins with the memory of the process that started this one.
        return _number_in(status.read_text(), r"VmHWM:\s+(\d+) kB") / 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 1024)


def workers_mebibytes() -> float:
    """The private memory of the worker processes; 0 if unknown."""
    return sum(_private_mebibytes(process.pid) for process in multiprocessing.active_children())


def bytes_read() -> int | None:
    """Bytes that this process and its workers have read from files and pipes; None if unknown."""
    processes = ["self", *(process.pid for process in multiprocessing.active_children())]
    try:
        texts = [Path(f"/proc/{process}/io").read_text() for process in processes]
    except OSError:
        return None
    return sum(_number_in(text, r"rchar: (\d+)") for text in texts)


def _private_mebibytes(process: int | None) -> float:
    try:
        text = Path(f"/proc/{process}/smaps_rollup").read_text()
    except OSError:
        return 0
    return sum(_number_in(text, rf"Private_{kind}:\s+(\d+) kB") for kind in ("Clean", "Dirty")) / 1024


def _number_in(text: str, pattern: str) -> int:
    found = re.search(pattern, text)
    return int(found[1]) if found else 0


def check_batch(task: Task, frames: np.ndarray, labels: np.ndarray) -> None:
    """Raises ValueError unless the batch consists of different sequences of the store, not in the store's order."""
    frames_shape, labels_shape = ((task.batch_size, *shape) for shape in (task.shape.frames, task.shape.labels))
    if (frames.dtype, frames.shape, labels.dtype, labels.shape) != (np.uint8, frames_shape, np.float32, labels_shape):
        raise ValueError(f"a batch of {frames.dtype} {frames.shape} and {labels.dtype} {labels.shape}")
    found: list[int] = []
    with SequenceStore(task.data) as store:
        for numbers, clip in zip(sequences_with_labels(store, labels), frames, strict=True):
            others = [number for number in numbers if number not in found]
            same = (n for n in others if np.array_equal(store.read_sequences(np.array([n]))[0][0], clip))
            found.append(next(same, -1))
    if -1 in found or (np.diff(found) == 1).all():
        raise ValueError(f"a batch of the sequences {found}: not all are in the store, or they are in its order")


def sequences_with_labels(store: SequenceStore, labels: np.ndarray) -> list[list[int]]:
    """For each of the labels, float32 (B, 10, 7, 2), the numbers of all sequences with these labels."""
    found: list[list[int]] = [[] for _ in labels]
    for start in range(0, len(store), SEQUENCES_PER_READ):
        block = store.read_labels(np.arange(start, min(start + SEQUENCES_PER_READ, len(store))))
        is_equal = (block[np.newaxis] == labels[:, np.newaxis]).all(axis=(2, 3, 4))
        for row, column in np.argwhere(is_equal).tolist():
            found[row].append(start + column)
    return found


def exit_at_once() -> None:
    """Ends this process and its workers: closing a session can wait for a minute for a thread that tunes a data set."""
    for process in multiprocessing.active_children():
        process.kill()
    os._exit(0)


if __name__ == "__main__":
    main()
