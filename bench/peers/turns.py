"""Lists the peers and runs them in turn, each run in a separate process."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tqdm import tqdm

from bench.peers.data import Data, missing_disk_space, missing_space
from bench.peers.run_peer import Measurement
from bench.peers.task import Task
from support.atomic_write import atomic_folder

BATCH_SIZE = 16


@dataclass(frozen=True)
class Peer:
    """An input pipeline."""

    title: str
    module: str  # in this folder
    packages: tuple[str, ...] = ()  # that it imports, other than those that the project needs
    files: str = ""  # folder of the files that it makes, "" if none; peers may share it
    in_memory: str = ""  # "sequences" or "frames" if all of these must fit into memory
    options: Mapping[str, int] = field(default_factory=dict)  # of its `deliver`


PEERS = {
    "ours": Peer("this project", "this_project"),
    "tfrecord": Peer("tf.data, TFRecord, shuffle buffer of 1000", "tfrecord", files="tfrecord"),
    "tfrecord-cached": Peer(
        "the same, cached in memory", "tfrecord", files="tfrecord", in_memory="sequences", options={"cached": 1}
    ),
    "generator": Peer("tf.data, generator over NumPy arrays", "numpy_generator", in_memory="sequences"),
    "grain": Peer("Grain, ArrayRecord", "grain_array_record", ("grain", "array_record"), files="array_record"),
    "torch": Peer("PyTorch DataLoader, h5py", "torch_h5py", ("torch",), files="hdf5", options={"workers": 0}),
    "torch-2": Peer("the same, 2 workers", "torch_h5py", ("torch",), files="hdf5", options={"workers": 2}),
    "take": Peer("numpy.take into a reused buffer: the limit", "numpy_take", in_memory="frames"),
}


@dataclass
class Row:
    """What was measured of a peer."""

    peer: Peer
    files: list[str]  # that it reads
    note: str  # why it was not measured, or ""
    measurements: list[Measurement]

    @property
    def disk_bytes(self) -> int:
        return sum(map(os.path.getsize, self.files))


def measure_in_turn(
    names: Sequence[str], data: Data, folder: str, runs: int, seconds: float, is_cold: bool
) -> Mapping[str, Row]:
    """Measures each of these peers `runs` times for this many seconds. folder: for the files that they read.

    is_cold: whether a peer's files are dropped from the disk cache before each of its runs.
    """
    rows = {name: _prepared(PEERS[name], data, folder) for name in names}
    turns = [name for _ in range(runs) for name in rows if not rows[name].note]
    with tqdm(turns, unit=" runs", leave=False, disable=None) as progress:
        for name in progress:
            progress.set_postfix_str(name)
            if not rows[name].note:
                if is_cold:
                    _drop_from_cache(rows[name].files)
                _run(rows[name], data, folder, seconds)
    return rows


def _prepared(peer: Peer, data: Data, folder: str) -> Row:
    """Makes the peer's files unless they exist. A peer that cannot run here gets a note that says why."""
    note = _reason_not_to_run(peer, data)
    if not note and peer.files:
        note = _make_files(peer, data, _files_of(peer, data, folder))
    files = [data.path]
    if peer.files and not note:
        files = [entry.path for entry in os.scandir(_files_of(peer, data, folder))]
    return Row(peer, files, note, [])


def _reason_not_to_run(peer: Peer, data: Data) -> str:
    missing = [package for package in peer.packages if importlib.util.find_spec(package) is None]
    if missing:
        return f"needs {' and '.join(missing)}: pip install -r requirements-bench.txt"
    available = _available_memory()
    if peer.in_memory and available is not None:
        return missing_space("memory", data.bytes_of(peer.in_memory), available)
    return ""


def _make_files(peer: Peer, data: Data, folder: str) -> str:
    """Makes the peer's files in this folder unless it exists; returns why that failed, or ""."""
    if os.path.isdir(folder):
        return ""
    missing = missing_disk_space(os.path.dirname(folder), data.bytes_of("sequences"))
    if missing:
        return missing
    try:
        with atomic_folder(folder) as partial:
            subprocess.run(_command("write", peer, data.path, partial), check=True)
    except subprocess.CalledProcessError:
        return "its files could not be made: see above"
    return ""


def _run(row: Row, data: Data, folder: str, seconds: float) -> None:
    """Adds a measurement to the row, or a note if it failed. In its first run, a batch is compared with the data."""
    peer = row.peer
    files = _files_of(peer, data, folder) if peer.files else ""
    task = Task(data.path, files, data.sequences, data.shape, BATCH_SIZE, dict(peer.options))
    command = _command("measure", peer, task.to_json(), str(seconds), str(int(not row.measurements)))
    finished = subprocess.run(command, capture_output=True, text=True)
    if finished.returncode:
        tqdm.write(finished.stderr, file=sys.stderr)
        row.note = "failed: see above"
    else:
        row.measurements.append(Measurement(**json.loads(finished.stdout.splitlines()[-1])))


def _drop_from_cache(paths: Sequence[str]) -> None:
    """Drops these files from Linux's disk cache. Only what has been written to the disk is dropped."""
    for path in paths:
        with open(path, "rb") as file:
            os.fsync(file.fileno())
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def _command(action: str, peer: Peer, *arguments: str) -> list[str]:
    return [sys.executable, "-m", "bench.peers.run_peer", action, peer.module, *arguments]


def _files_of(peer: Peer, data: Data, folder: str) -> str:
    return os.path.join(folder, f"{data.name}-{peer.files}")


def _available_memory() -> int | None:
    """Bytes that a process can use without displacing others from memory; None if unknown."""
    path = Path("/proc/meminfo")
    if not path.exists():
        return None
    fields = dict(line.split(":") for line in path.read_text().splitlines())
    return int(fields["MemAvailable"].split()[0]) * 1024
