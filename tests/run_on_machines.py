"""Runs the tests that compute with TensorFlow under all that one machine can pretend to be, and prints what passed.

Older and newer processors, one core, more threads than cores, other Pythons, and the lowest and the newest versions
that pyproject.toml admits. Virtual environments for the latter are made in the folder .venvs, and kept.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import NamedTuple

import numpy as np

from support.machine import processor_flags

ROOT = Path(__file__).resolve().parent.parent
VENVS = ROOT / ".venvs"
DEPENDENCIES = ROOT / "pyproject.toml"
EXTRAS = ("video", "dev")
COMPUTING = (
    "tests/model",
    "tests/commands",
    "tests/pipeline/augmentation",
    "tests/pipeline/test_dataset.py",
    "tests/pipeline/test_normalization.py",
    "tests/test_notebook.py",
)
QUICK = (
    "tests/model/test_session_config.py",
    "tests/model/training/test_weight_average.py",
    "tests/pipeline/test_dataset.py",
)
# The tests of results that depend on weights: what they claim must hold for other roundings too.
NUMERICAL = (
    "tests/model",
    "tests/commands/test_train.py",
    "tests/commands/test_evaluate.py",
    "tests/commands/test_cluster.py",
    "tests/commands/test_faults.py",
)
# What oneDNN can be held to, and the flag by which Linux says that a processor goes that far.
ONEDNN_ISAS = {"SSE41": "sse4_1", "AVX2": "avx2", "AVX512_CORE": "avx512bw"}
PYTHONS = ("3.10", "3.11", "3.12", "3.13")


class Machine(NamedTuple):
    """What the tests run on. environment: variables that are set. command: what pytest's command begins with.

    missing: why it cannot be had here, or None. made_of: the arguments of `venv`, whose Python takes the place of the
    command, or None. tests: which to run, or None for those that are chosen for all machines.
    """

    name: str
    environment: dict
    command: list
    missing: str | None = None
    made_of: tuple | None = None
    tests: tuple | None = None


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a few tests, with this Python and what is installed")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="machines whose names hold one of these texts")
    arguments = parser.parse_args()
    machines = pretended_processors() + ([] if arguments.quick else other_environments())
    if arguments.only:
        machines = [machine for machine in machines if any(text in machine.name for text in arguments.only)]
    if not machines:
        parser.error(f"no machine's name holds {' or '.join(arguments.only)}; run it without --only for all names")
    tests = QUICK if arguments.quick else COMPUTING
    print(f"{'machine':44}{'passed':>8}{'failed':>8}{'skipped':>9}{'seconds':>9}", flush=True)
    failed = [machine.name for machine in machines if not run(machine, machine.tests or tests)]
    sys.exit(f"error: tests fail on {', '.join(failed)}; run them with --only NAME" if failed else 0)


def pretended_processors():
    """This Python, on a processor that can do less, and with other numbers of threads."""
    python, flags = [sys.executable], processor_flags()
    machines = [Machine("as it is", {}, python)]
    for isa, flag in ONEDNN_ISAS.items():
        missing = None if flag in flags else f"Linux names no {flag} among the processor's flags"
        machines.append(Machine(f"ONEDNN_MAX_CPU_ISA={isa}", {"ONEDNN_MAX_CPU_ISA": isa}, python, missing))
    machines.append(Machine("TF_ENABLE_ONEDNN_OPTS=0", {"TF_ENABLE_ONEDNN_OPTS": "0"}, python))
    dispatched = " ".join(np.show_config(mode="dicts")["SIMD Extensions"]["found"])
    missing = None if dispatched else "NumPy found nothing to turn off"
    machines.append(Machine("NPY_DISABLE_CPU_FEATURES=all", {"NPY_DISABLE_CPU_FEATURES": dispatched}, python, missing))
    can_pin = hasattr(os, "sched_setaffinity")
    machines.append(Machine("one core", {}, on_one_core(python), None if can_pin else "this system pins no process"))
    threads = str(4 * (os.cpu_count() or 1))
    many = {"TF_NUM_INTRAOP_THREADS": threads, "TF_NUM_INTEROP_THREADS": threads}
    machines.append(Machine(f"{threads} threads", many, python))
    moved = {"PYTHONPATH": str(ROOT / "tests" / "moved_weights")}
    for direction in ("up", "down"):
        environment = {**moved, "MOVED_WEIGHTS": direction}
        machines.append(Machine(f"initial weights moved {direction}", environment, python, tests=NUMERICAL))
    return machines


def on_one_core(python):
    pin = "import os, sys; os.sched_setaffinity(0, [min(os.sched_getaffinity(0))]); os.execv(sys.argv[1], sys.argv[1:])"
    return [sys.executable, "-c", pin, *python]


def other_environments():
    """Other Pythons, and the lowest and the newest versions that pyproject.toml admits."""
    machines = []
    for version in PYTHONS:
        name, python = f"Python {version}", working_python(version)
        if python is None:
            machines.append(Machine(name, {}, [], f"python{version} is not installed"))
        else:
            machines.append(Machine(name, {}, [], made_of=(f"python{version}", python, "highest")))
    lowest = working_python(PYTHONS[0]) or sys.executable
    machines.append(Machine("lowest versions", {}, [], made_of=("lowest", lowest, "lowest-direct")))
    return machines


def working_python(version):
    """The command of this version of Python if there is one that runs."""
    command = f"python{version}"
    try:
        subprocess.run([command, "-c", "import venv"], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return command


def venv(name, python, resolution):
    """The path of the Python of a virtual environment with what the tests need, made where it is not up to date."""
    folder = VENVS / name
    executable = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    installed = folder / "installed"
    if not installed.exists() or installed.stat().st_mtime < DEPENDENCIES.stat().st_mtime:
        uv = [sys.executable, "-m", "uv", "--quiet"]
        # The notebook's first cell calls pip.
        subprocess.run([*uv, "venv", "--clear", "--seed", "--python", python, folder], check=True)
        install = ["pip", "install", "--python", executable, "--resolution", resolution]
        extras = [argument for extra in EXTRAS for argument in ("--extra", extra)]
        subprocess.run([*uv, *install, "--requirement", DEPENDENCIES, *extras], check=True)
        installed.touch()
    return str(executable)


def run(machine, tests):
    """Runs the tests and prints the machine's row; returns whether none failed."""
    if machine.missing:
        print(f"{machine.name:44}{'not here: ' + machine.missing}", flush=True)
        return True
    start = [venv(*machine.made_of)] if machine.made_of else machine.command
    environment, began = {**os.environ, **machine.environment}, time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        command = [*start, "-m", "pytest", "-n", "2", "--dist", "loadfile", f"--junitxml={report}", *tests]
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
        seconds = time.perf_counter() - began
        if not report.exists():
            print(f"{machine.name:44}{'did not run':>25}{seconds:9.0f}\n{done.stdout}{done.stderr}", flush=True)
            return False
        [suite] = ElementTree.parse(report).getroot().iter("testsuite")
    counted, errors, failures, skipped = (int(suite.get(name)) for name in ("tests", "errors", "failures", "skipped"))
    failed = errors + failures
    print(f"{machine.name:44}{counted - failed - skipped:8}{failed:8}{skipped:9}{seconds:9.0f}", flush=True)
    if failed:
        print("\n".join(line for line in done.stdout.splitlines() if line.startswith(("FAILED", "ERROR"))), flush=True)
    return failed == 0


if __name__ == "__main__":
    main()
