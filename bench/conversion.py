"""Compares convert_pkl_to_h5.py with loading the whole pickle and writing its arrays with h5py.

Each way runs in a separate process. The two alternate, so that other load on the machine affects both equally.
"""

from __future__ import annotations

import argparse
import dataclasses
import tempfile
from pathlib import Path
from statistics import median

from bench.processes import FinishedProcess, run_python

LOAD_AND_WRITE = """
import pickle, sys
import h5py
with open(sys.argv[1], "rb") as source:
    frames, labels = pickle.load(source)
with h5py.File(sys.argv[2], "w") as destination:
    destination["frames"] = frames
    destination["labels"] = labels
"""
WAYS = {"convert_pkl_to_h5.py": ["convert_pkl_to_h5.py"], "pickle.load and h5py": ["-c", LOAD_AND_WRITE]}
FIGURES = ("wall time, s", "CPU time, s", "peak memory, MiB")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "pickle", metavar="PICKLE", help="the course's pickle; pickle.load opens it, so it must be trusted"
    )
    parser.add_argument("--runs", type=int, default=5, help="runs of each way (default: %(default)s)")
    parser.add_argument("--folder", help="folder for the HDF5 files (default: the temporary folder)")
    arguments = parser.parse_args()
    measured: dict[str, list[FinishedProcess]] = {way: [] for way in WAYS}
    for _ in range(arguments.runs):
        for way, command in WAYS.items():
            with tempfile.TemporaryDirectory(dir=arguments.folder) as scratch:
                measured[way].append(run_python([*command, arguments.pickle, Path(scratch, "out.h5")]))
    print(f"median of {arguments.runs} runs".ljust(22), *(f"{name:>18}" for name in FIGURES))
    medians = {way: medians_of(runs) for way, runs in measured.items()}
    for way, figures in medians.items():
        print(f"{way:22}", *(f"{figure:18.2f}" for figure in figures))
    print(f"{'ratio':22}", *(f"{ours / theirs:18.2f}" for ours, theirs in zip(*medians.values(), strict=True)))


def medians_of(runs: list[FinishedProcess]) -> list[float]:
    """The median of each of the FIGURES."""
    return [median(figures) for figures in zip(*map(dataclasses.astuple, runs), strict=True)]


if __name__ == "__main__":
    main()
