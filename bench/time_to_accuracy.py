"""Compares how long the assignment's recipe and train.py take to reach 2.0 pixels on the same pickles.

The two alternate. Both train for --time-limit seconds and are evaluated on the withheld pickle at the same fractions of
that time. The recipe, whose learning rate has no schedule, may train for longer, to reach 2.0 pixels too. Neither uses
augmentation. As in the course's data, the withheld sequences show people and frames that were trained on.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from bench.finished_process import run_to_end
from run.history import read_history

TARGET = 2.0
FIGURES = (
    "seconds of training to 2.0 px",
    "seconds since the command to 2.0 px",
    "error after --time-limit, px",
    "peak memory, MiB",
)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("training", metavar="TRAINING.pkl")
    parser.add_argument("validation", metavar="WITHHELD.pkl")
    parser.add_argument("--time-limit", type=float, default=150, help="seconds of training (default: %(default)s)")
    parser.add_argument("--recipe-time-limit", type=float, metavar="SECONDS", help="train the recipe for so long")
    parser.add_argument("--seeds", type=int, default=3, help="number of seeds (default: %(default)s)")
    parser.add_argument("--skip-recipe", action="store_true", help="measure train.py alone")
    arguments = parser.parse_args()
    measured = {"assignment_recipe.py": [], "train.py": []}
    with tempfile.TemporaryDirectory() as folder:
        training, validation = (convert(path, folder) for path in (arguments.training, arguments.validation))
        time_limit, recipe_limit = arguments.time_limit, arguments.recipe_time_limit or arguments.time_limit
        for seed in map(str, range(arguments.seeds)):
            history = os.path.join(folder, f"recipe-{seed}.csv")
            recipe = ["-m", "bench.assignment_recipe", arguments.training, arguments.validation]
            out = os.path.join(folder, f"run-{seed}")
            ours = ["train.py", "--data", training, "--validation-data", validation, "--no-augment"]
            ours += ["--out", out]
            if not arguments.skip_recipe:
                command = [*recipe, "--time-limit", str(recipe_limit), "--seed", seed, "--history", history]
                measured["assignment_recipe.py"].append(measure(command, history, time_limit))
            command = [*ours, "--time-limit", str(time_limit), "--seed", seed]
            measured["train.py"].append(measure(command, os.path.join(out, "history.csv"), time_limit))
            for way, runs in measured.items():
                if runs:
                    print(f"seed {seed}  {way:21} " + "  ".join(map(str, runs[-1])), flush=True)
    print_medians(measured)


def convert(pickle, folder):
    destination = os.path.join(folder, Path(pickle).stem + ".h5")
    subprocess.run([sys.executable, "convert_pkl_to_h5.py", pickle, destination], check=True)
    return destination


def measure(command, history, time_limit):
    """Runs a command that prints a `step` line for each row of its history; returns its FIGURES.

    The error is that of the first evaluation at or after time_limit seconds of training, or else of the last one.
    train.py scores a few sequences during training and all of them at its end; its error is the one at its end.
    """
    began, arrivals = time.perf_counter(), []

    def note_arrival(line):
        if line.startswith("step"):
            arrivals.append(time.perf_counter() - began)

    process = run_to_end([sys.executable, *command], on_line=note_arrival)
    rows = read_history(history)
    first = first_that_stays_below([row["validation_pixel_error"] for row in rows])
    to_target = (None, None) if first is None else (rows[first]["seconds"], arrivals[first])
    at_limit = next((row for row in rows if row["seconds"] >= time_limit), rows[-1])
    error, metrics = at_limit["validation_pixel_error"], Path(history).with_name("metrics.json")
    if metrics.exists():
        error = json.loads(metrics.read_text())["mean_pixel_error"]
    return (*to_target, error, process.peak_mebibytes)


def first_that_stays_below(errors):
    """The index from which on every error is below TARGET, or None."""
    above = [index for index, error in enumerate(errors) if error >= TARGET]
    first = above[-1] + 1 if above else 0
    return first if first < len(errors) else None


def print_medians(measured):
    print(f"\n{'median of ' + str(len(measured['train.py'])) + ' seeds':38}{'recipe':>10}{'train.py':>10}{'ratio':>8}")
    for number, figure in enumerate(FIGURES):
        recipe, ours = (
            median(float("inf") if run[number] is None else run[number] for run in measured[way])
            if measured[way]
            else float("nan")
            for way in ("assignment_recipe.py", "train.py")
        )
        print(f"{figure:38}{recipe:10.2f}{ours:10.2f}{recipe / ours:8.2f}")


if __name__ == "__main__":
    main()
