"""Runs one peer in a process of its own: `python -m peers.run_peer`, from the folder bench, which bench/peers.py does.

Arguments: `write MODULE DATA.h5 FOLDER` makes the peer's files in the folder. `measure MODULE TASK SECONDS CHECK`
prints a Measurement as JSON; with CHECK 1, a batch is then compared with the store.
"""

from __future__ import annotations

import importlib
import json
import logging
import multiprocessing
import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from types import ModuleType
from typing import NamedTuple

import numpy as np

from bench.peers.process_figures import bytes_read, peak_mebibytes, workers_mebibytes
from bench.peers.task import SEQUENCES_PER_READ, Delivery, Task
from pipeline.store.reader import SequenceStore

WARM_UP_BATCHES = 20


class Measurement(NamedTuple):
    """rate: sequences a second. first_seconds: from the beginning to the first batch, without imports.

    mebibytes: peak memory, over that of the imports. bytes_read: for each sequence delivered, with what was read at
    first and ahead; None where that is not known.
    """

    rate: float
    first_seconds: float
    mebibytes: float
    bytes_read: float | None


def main() -> None:
    # Ctrl-C ends this process without a traceback; bench/peers.py says `stopped`.
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
    print(json.dumps(measurement._asdict()), flush=True)
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
    """Starts a peer and draws batches for so many seconds, after WARM_UP_BATCHES that are not timed."""
    imported_mebibytes, reading = peak_mebibytes(), ReadingRate(task)
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
        reading.note_batches(WARM_UP_BATCHES + count)
        elapsed = time.perf_counter() - began
    mebibytes = peak_mebibytes() + workers_mebibytes() - imported_mebibytes
    per_sequence = reading.bytes_per_sequence(WARM_UP_BATCHES + count)
    return Measurement(task.batch_size * count / elapsed, first_seconds, mebibytes, per_sequence), delivery


class ReadingRate:
    """Bytes read for each sequence from now on: in whole epochs, or in a part of the first if it is not complete."""

    def __init__(self, task: Task) -> None:
        self._batch_size = task.batch_size
        self._batches_per_epoch = max(1, task.sequences // task.batch_size)
        self._bytes_before = bytes_read()
        self._in_whole_epochs: float | None = None

    def note_batches(self, count: int) -> None:
        """Notes that `count` batches were delivered in all. Call it with each number."""
        if count % self._batches_per_epoch == 0:
            self._in_whole_epochs = self._until(count)

    def bytes_per_sequence(self, count: int) -> float | None:
        """After `count` batches; None where that is not known."""
        return self._until(count) if self._in_whole_epochs is None else self._in_whole_epochs

    def _until(self, count: int) -> float | None:
        read = bytes_read()
        if read is None or self._bytes_before is None:
            return None
        return (read - self._bytes_before) / (count * self._batch_size)


def check_batch(task: Task, frames: np.ndarray, labels: np.ndarray) -> None:
    """Raises ValueError unless the batch consists of different sequences of the store, not in the store's order."""
    frames_shape, labels_shape = ((task.batch_size, *shape) for shape in (task.shape.frames, task.shape.labels))
    if (frames.dtype, frames.shape, labels.dtype, labels.shape) != (np.uint8, frames_shape, np.float32, labels_shape):
        raise ValueError(f"a batch of {frames.dtype} {frames.shape} and {labels.dtype} {labels.shape}")
    found: list[int] = []
    with SequenceStore(task.data) as store:
        for numbers, clip in zip(sequences_with_labels(store, labels), frames, strict=True):
            others = [number for number in numbers if number not in found]
            same = (number for number in others if np.array_equal(store.read_sequences([number])[0][0], clip))
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
