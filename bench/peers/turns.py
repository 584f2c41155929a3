"""Runs peers in turn, each run in a process of its own."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from tqdm import tqdm

from bench.peers.catalogue import PEERS, Peer
from bench.peers.data import Data, missing_disk_space, missing_space
from bench.peers.run_peer import Measurement
from bench.peers.task import Task
from support.atomic_write import atomic_folder

BATCH_SIZE = 16


class Row(NamedTuple):
    """What was measured of a peer. files: that it reads. note: why it was not measured, or ""."""

    title: str
    is_in_memory: bool
    measurements: list[Measurement]
    files: list[str]
    note: str

    @property
    def disk_bytes(self) -> int:
        return sum(map(os.path.getsize, self.files))


def measure_in_turn(
    names: Sequence[str], data: Data, folder: str, runs: int, seconds: float, is_cold: bool
) -> Mapping[str, Row]:
    """Measures the peers of these names so often, for so many seconds each. folder: for the files that they read.

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
                rows[name] = _after_another_run(rows[name], PEERS[name], data, folder, seconds)
    return rows


def _prepared(peer: Peer, data: Data, folder: str) -> Row:
    """Makes the peer's files where they are not there yet. A peer that cannot run here gets a note that says why."""
    note = _reason_not_to_run(peer, data)
    if not note and peer.files:
        note = _make_files(peer, data, _files_of(peer, data, folder))
    files = [data.path]
    if peer.files and not note:
        files = [entry.path for entry in os.scandir(_files_of(peer, data, folder))]
    return Row(peer.title, peer.in_memory != "", [], files, note)


def _reason_not_to_run(peer: Peer, data: Data) -> str:
    missing = [package for package in peer.packages if importlib.util.find_spec(package) is None]
    if missing:
        return f"needs {' and '.join(missing)}: pip install -r requirements-bench.txt"
    available = _available_memory()
    if peer.in_memory and available is not None:
        return missing_space("memory", data.bytes_of(peer.in_memory), available)
    return ""


def _make_files(peer: Peer, data: Data, folder: str) -> str:
    """Makes the peer's files in this folder, unless it is there; returns why that failed, "" if it did not."""
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


def _after_another_run(row: Row, peer: Peer, data: Data, folder: str, seconds: float) -> Row:
    files = _files_of(peer, data, folder) if peer.files else ""
    task = Task(data.path, files, data.sequences, data.shape, BATCH_SIZE, dict(peer.options))
    is_first = not row.measurements
    command = _command("measure", peer, task.to_json(), str(seconds), str(int(is_first)))
    finished = subprocess.run(command, capture_output=True, text=True)
    if finished.returncode:
        tqdm.write(finished.stderr, file=sys.stderr)
        return row._replace(note="failed: see above")
    measurement = Measurement(**json.loads(finished.stdout.splitlines()[-1]))
    return row._replace(measurements=[*row.measurements, measurement])


def _drop_from_cache(paths: Sequence[str]) -> None:
    """Has Linux forget what it keeps of these files in memory. Only what has been written to the disk is forgotten."""
    for path in paths:
        with open(path, "rb") as file:
            os.fsync(file.fileno())
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def _command(action: str, peer: Peer, *arguments: str) -> list[str]:
    return [sys.executable, "-m", "bench.peers.run_peer", action, peer.module, *arguments]


def _files_of(peer: Peer, data: Data, folder: str) -> str:
    return os.path.join(folder, f"{data.name}-{peer.files}")


def _available_memory() -> int | None:
    """Bytes that a process can use without driving others out of memory; None where that is not known."""
    path = Path("/proc/meminfo")
    if not path.exists():
        return None
    fields = dict(line.split(":") for line in path.read_text().splitlines())
    return int(fields["MemAvailable"].split()[0]) * 1024
