"""The limits of processor time and memory that Linux's control groups, such as those of a container, put on a process.

Versions 1 and 2 are read. loky.cpu_count reads the limit of processor time too, but no library reads that of memory.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar

Number = TypeVar("Number", int, float)
# Version 1 writes the largest multiple of a page for "no limit".
NO_LIMIT = 1 << 60


@dataclass(frozen=True)
class _Hierarchy:
    """Where a controller's files are: from the process's own group up to the root that is visible here."""

    folders: list[str]
    is_v2: bool


def cpu_limit(root: str = "/") -> float | None:
    """The number of cores that the groups grant, which may be a fraction; None without a limit.

    root: of the file system with `proc` and `sys`.
    """
    return _smallest(_cores, _hierarchies("cpu", root))


def memory_limit(root: str = "/") -> int | None:
    """The most memory that the groups grant, in bytes; None without a limit. root: as for cpu_limit."""
    return _smallest(_bytes_granted, _hierarchies("memory", root))


def memory_left(root: str = "/") -> int | None:
    """The memory that the groups still grant, in bytes, never negative; None without a limit. root: as for cpu_limit.

    Pages of files that the kernel can drop count as free.
    """
    return _smallest(_bytes_left, _hierarchies("memory", root))


def _smallest(measure: Callable[[str, bool], Number | None], hierarchies: Iterator[_Hierarchy]) -> Number | None:
    values = [measure(folder, one.is_v2) for one in hierarchies for folder in one.folders]
    return min((value for value in values if value is not None), default=None)


def _cores(folder: str, is_v2: bool) -> float | None:
    if is_v2:
        quota, _, period = (_text(folder, "cpu.max") or "max").partition(" ")
    else:
        quota, period = _text(folder, "cpu.cfs_quota_us") or "-1", _text(folder, "cpu.cfs_period_us") or ""
    cores = (_whole(quota) or 0) / (_whole(period) or 100_000)
    return cores if cores > 0 else None


def _bytes_granted(folder: str, is_v2: bool) -> int | None:
    granted = _whole(_text(folder, "memory.max" if is_v2 else "memory.limit_in_bytes"))
    return granted if granted is not None and granted < NO_LIMIT else None


def _bytes_left(folder: str, is_v2: bool) -> int | None:
    granted = _bytes_granted(folder, is_v2)
    used = _whole(_text(folder, "memory.current" if is_v2 else "memory.usage_in_bytes"))
    if granted is None or used is None:
        return granted
    fields = dict(line.split(" ", 1) for line in (_text(folder, "memory.stat") or "").splitlines() if " " in line)
    droppable = _whole(fields.get("inactive_file" if is_v2 else "total_inactive_file")) or 0
    return max(0, granted - used + droppable)


def _hierarchies(controller: str, root: str) -> Iterator[_Hierarchy]:
    """The hierarchies in which this controller may be: one of version 1, one of version 2, or both."""
    groups = _groups_of_this_process(root)
    for line in (_text(root, "proc/self/mountinfo") or "").splitlines():
        before, _, after = line.partition(" - ")
        fields, [kind, *rest] = before.split(), after.split() or [""]
        if kind not in ("cgroup", "cgroup2") or len(fields) < 5 or not rest:
            continue
        controllers = rest[-1].split(",") if kind == "cgroup" else [""]
        name = next((one for one in (controller, "") if one in controllers), None)
        if name is not None:
            # Without a namespace for control groups, paths count from the host's root, of which fields[3] is mounted.
            path = os.path.relpath(groups.get(name, "/"), fields[3])
            mount = os.path.join(root, fields[4].lstrip("/"))
            yield _Hierarchy(list(_upwards(mount, "." if path.startswith("..") else path)), kind == "cgroup2")


def _groups_of_this_process(root: str) -> dict[str, str]:
    """The path of this process's group by controller; version 2 has the empty name."""
    groups: dict[str, str] = {}
    for line in (_text(root, "proc/self/cgroup") or "").splitlines():
        _, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        groups.update(dict.fromkeys(controllers.split(","), path))
    return groups


def _upwards(mount: str, path: str) -> Iterator[str]:
    parts = [part for part in path.split("/") if part not in ("", ".")]
    for length in range(len(parts), -1, -1):
        yield os.path.join(mount, *parts[:length])


def _text(folder: str, name: str) -> str | None:
    try:
        with open(os.path.join(folder, name), encoding="ascii", errors="replace") as file:
            return file.read().strip()
    except OSError:
        return None


def _whole(text: str | None) -> int | None:
    return int(text) if text is not None and text.isdecimal() else None
