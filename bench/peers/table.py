"""The table of what was measured."""

from __future__ import annotations

import importlib.metadata
import os
import platform
from collections.abc import Mapping
from statistics import median

from bench.peers.data import Data
from bench.peers.turns import Row

PACKAGES = ("tensorflow", "grain", "array_record", "torch", "h5py", "numpy")
HEADER = (
    "",
    "sequences/s",
    "of the first",
    "s to first batch",
    "MiB over import",
    "KB read a sequence",
    "its files, times an epoch",
    "MB on disk",
)


def table(rows: Mapping[str, Row], data: Data) -> list[str]:
    """The lines of a table in Markdown: medians of each peer's runs."""
    first = next((row for row in rows.values() if row.measurements), None)
    cells = [HEADER, ("---", *["---:"] * (len(HEADER) - 1))]
    cells += [_cells(row, data, first) for row in rows.values()]
    title = f"{data.sequences} sequences over {data.frames} distinct frames; {_versions()}"
    return [title, "", *(f"| {' | '.join(row)} |" for row in cells)]


def _versions() -> str:
    """The versions of what is compared, and the number of cores."""
    named = []
    for package in PACKAGES:
        try:
            named.append(f"{package} {importlib.metadata.version(package)}")
        except importlib.metadata.PackageNotFoundError:
            named.append(f"no {package}")
    return f"{os.cpu_count()} cores, Python {platform.python_version()}, {', '.join(named)}"


def _cells(row: Row, data: Data, first: Row | None) -> tuple[str, ...]:
    if row.note or first is None:
        return row.peer.title, row.note, *[""] * (len(HEADER) - 2)
    rate = _median(row, "rate")
    read, times = "", ""
    if all(measurement.bytes_read is not None for measurement in row.measurements):
        bytes_read = _median(row, "bytes_read")
        read, times = f"{bytes_read / 1000:.1f}", f"{bytes_read * data.sequences / row.disk_bytes:.2f}"
    return (
        row.peer.title,
        f"{rate:.0f}",
        f"{rate / _median(first, 'rate'):.2f}",
        f"{_median(row, 'first_seconds'):.2f}",
        f"{_median(row, 'mebibytes'):.0f}",
        read,
        "once" if row.peer.in_memory else times,
        f"{row.disk_bytes / 1e6:.0f}",
    )


def _median(row: Row, figure: str) -> float:
    return median(getattr(measurement, figure) for measurement in row.measurements)
