"""Memory and bytes read of this process and its workers, as Linux accounts for them."""

from __future__ import annotations

import multiprocessing
import re
import resource
import sys
from pathlib import Path


def peak_mebibytes() -> float:
    """The most memory that this process has had so far."""
    status = Path("/proc/self/status")
    if status.exists():
        # ru_maxrss begins with the memory of the process that started this one.
        return _number_in(status.read_text(), r"VmHWM:\s+(\d+) kB") / 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 1024)


def workers_mebibytes() -> float:
    """What the worker processes now have in memory for themselves; 0 where that is not known."""
    return sum(_private_mebibytes(process.pid) for process in multiprocessing.active_children())


def bytes_read() -> int | None:
    """Bytes that this process and its workers have read from files and pipes; None where that is not known."""
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
