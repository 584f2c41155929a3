"""Runs the numerical tests on every configuration that one machine can emulate, and prints what passed.

These are older processors, one core, more threads than cores, other Python versions, and the lowest and the newest
dependency versions that pyproject.toml allows. Virtual environments are made in the folder .venvs, and kept.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass
from pathlib import Path

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
# Tests whose results depend on weights. They must pass with other rounding errors too.
NUMERICAL = (
    "tests/model/training",
    "tests/model/export/test_graph.py",
    "tests/model/test_layers.py",
    "tests/model/test_network.py",
    "tests/model/test_predictor.py",
    "tests/commands/test_train.py",
    "tests/commands/test_evaluate.py",
    "tests/commands/test_cluster.py",
)
# Instruction sets that oneDNN can be limited to, and the flag that Linux reports for a processor that has them.
ONEDNN_ISAS = {"SSE41": "sse4_1", "AVX2": "avx2", "AVX512_CORE": "avx512bw"}
PYTHONS = ("3.10", "3.11", "3.12", "3.13")


@dataclass(frozen=True)
class Machine:
    """What the tests run on."""

    name: str
    environment: dict[str, str]  # variables that are set
    command: list[str]  # runs Python
    missing: str | None = None  # why it is not available here
    venv_arguments: tuple[str, str, str] | None = None  # of `venv`, whose Python is used instead of the command
    tests: tuple[str, ...] | None = None  # to run instead of the usual ones


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="run a few tests with this Python")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="machines whose names contain one of these texts")
    arguments = parser.parse_args()
    machines = emulated_processors() + ([] if arguments.quick else other_environments())
    if arguments.only:
        machines = [machine for machine in machines if any(text in machine.name for text in arguments.only)]
    if not machines:
        parser.error(f"no machine's name contains {' or '.join(arguments.only)}; run without --only to see all names")
    tests = QUICK if arguments.quick else COMPUTING
    print(f"{'machine':44}{'passed':>8}{'failed':>8}{'skipped':>9}{'seconds':>9}", flush=True)
    failed = [machine.name for machine in machines if not run(machine, machine.tests or tests)]
    sys.exit(f"error: tests fail on {', '.join(failed)}; run them with --only NAME" if failed else 0)


def emulated_processors():
    """This Python, on emulated older processors and with other numbers of threads."""
    python, flags = [sys.executable], processor_flags()
    machines = [Machine("as it is", {}, python)]
    for isa, flag in ONEDNN_ISAS.items():
        missing = None if flag in flags else f"the processor has no {flag}"
        machines.append(Machine(f"ONEDNN_MAX_CPU_ISA={isa}", {"ONEDNN_MAX_CPU_ISA": isa}, python, missing))
    machines.append(Machine("TF_ENABLE_ONEDNN_OPTS=0", {"TF_ENABLE_ONEDNN_OPTS": "0"}, python))
    dispatched = " ".join(np.show_config(mode="dicts")["SIMD Extensions"]["found"])
    missing = None if dispatched else "NumPy uses no such features"
    machines.append(Machine("NPY_DISABLE_CPU_FEATURES=all", {"NPY_DISABLE_CPU_FEATURES": dispatched}, python, missing))
    can_pin = hasattr(os, "sched_setaffinity")
    machines.append(
        Machine("one core", {}, on_one_core(python), None if can_pin else "this system cannot pin a process")
    )
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
    """Other Python versions, and the lowest and the newest dependency versions that pyproject.toml allows."""
    machines = []
    for version in PYTHONS:
        name, python = f"Python {version}", working_python(version)
        if python is None:
            machines.append(Machine(name, {}, [], f"python{version} is not installed"))
        else:
            machines.append(Machine(name, {}, [], venv_arguments=(f"python{version}", python, "highest")))
    lowest = working_python(PYTHONS[0]) or sys.executable
    machines.append(Machine("lowest versions", {}, [], venv_arguments=("lowest", lowest, "lowest-direct")))
    return machines


def working_python(version):
    """The command that runs this version of Python, or None."""
    command = f"python{version}"
    try:
        subprocess.run([command, "-c", "import venv"], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return command


def venv(name, python, resolution):
    """Makes or updates a virtual environment with the tests' dependencies; returns the path of its Python."""
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
    """Runs the tests and prints the machine's row; returns False if any failed, or if pytest found none to run."""
    if machine.missing:
        print(f"{machine.name:44}{'not available: ' + machine.missing}", flush=True)
        return True
    start = [venv(*machine.venv_arguments)] if machine.venv_arguments else machine.command
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
    elif done.returncode:
        print(f"{done.stdout}{done.stderr}", flush=True)
    return done.returncode == 0


if __name__ == "__main__":
    main()
