"""The processor's name and instruction set flags, from Linux's /proc/cpuinfo, which is read once."""

from __future__ import annotations

import functools

CPUINFO = "/proc/cpuinfo"


def processor_flags() -> list[str]:
    """The flags of the processor, such as "avx2"; empty on systems other than Linux, and where Linux names none."""
    return _cpuinfo().get("flags", "").split()


def processor_name() -> str | None:
    """The processor's model name, or None where Linux does not give it."""
    return " ".join(_cpuinfo().get("model name", "").split()) or None


@functools.cache
def _cpuinfo() -> dict[str, str]:
    """The first value of each field; empty where there is no such file."""
    fields: dict[str, str] = {}
    try:
        with open(CPUINFO, encoding="utf-8", errors="replace") as file:
            for line in file:
                name, _, value = line.partition(":")
                fields.setdefault(name.strip(), value)
    except OSError:
        pass
    return fields
