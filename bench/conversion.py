"""Compares convert_pkl_to_h5.py with loading the whole pickle and writing its arrays with h5py.

Each way runs in its own process. The two alternate, so that other load on the machine affects both equally.
"""

import argparse
import os
import sys
import tempfile
from statistics import median

from bench.finished_process import run_to_end

LOAD_AND_WRITE = """
import pickle, sys
import h5py
with open(sys.argv[1], "rb") as source:
    frames, labels = pickle.load(source)
with h5py.File(sys.argv[2], "w") as destination:
    destination["frames"] = frames
    destination["labels"] = labels
"""

WAYS = {
    "convert_pkl_to_h5.py": [sys.executable, "convert_pkl_to_h5.py"],
    "pickle.load and h5py": [sys.executable, "-c", LOAD_AND_WRITE],
}

FIGURES = ("wall time, s", "CPU time, s", "peak memory, MiB")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "pickle", metavar="PICKLE", help="the course's pickle; it is opened with pickle.load, so it must be trusted"
    )
    parser.add_argument("--runs", type=int, default=5, help="runs of each way (default: %(default)s)")
    parser.add_argument("--folder", help="folder for the HDF5 files (default: the temporary folder)")
    arguments = parser.parse_args()

    measured = {way: [] for way in WAYS}
    for _ in range(arguments.runs):
        for way, command in WAYS.items():
            measured[way].append(measure(command, arguments.pickle, arguments.folder))
    print_medians(measured)


def measure(command, source, folder):
    """Runs the command on the source and a new file in `folder`; returns the FinishedProcess.

    Raises subprocess.CalledProcessError if it fails.
    """
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        return run_to_end([*command, source, os.path.join(scratch, "out.h5")])


def print_medians(measured):
    """measured: dict from each way to the list of its FinishedProcesses."""
    runs = min(map(len, measured.values()))
    print(f"median of {runs} runs".ljust(22), *(f"{name:>18}" for name in FIGURES))
    medians = [[median(figures) for figures in zip(*runs, strict=True)] for runs in measured.values()]
    for way, figures in zip(measured, medians, strict=True):
        print(f"{way:22}", *(f"{figure:18.2f}" for figure in figures))
    print(f"{'ratio':22}", *(f"{ours / theirs:18.2f}" for ours, theirs in zip(*medians, strict=True)))


if __name__ == "__main__":
    main()
