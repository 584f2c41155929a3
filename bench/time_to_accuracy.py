"""Compares how long the assignment's recipe and train.py take to reach 2.0 pixels on the same pickles.

The two alternate. Both train for --time-limit seconds and are evaluated on the withheld pickle at the same fractions of
that time. The recipe, whose learning rate has no schedule, may train for longer, to reach 2.0 pixels too. Neither uses
augmentation. As in the course's data, the withheld sequences show people and frames that were trained on.
"""

from __future__ import annotations

import argparse
import json
import math
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from bench.processes import run_python
from run.history import read_history

TARGET = 2.0
FIGURES = (
    "seconds of training to 2.0 px",
    "seconds since the command to 2.0 px",
    "error after --time-limit, px",
    "peak memory, MiB",
)
# Infinity if the target was not reached.
Figures = tuple[float, float, float, float]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("training", metavar="TRAINING.pkl")
    parser.add_argument("validation", metavar="WITHHELD.pkl")
    parser.add_argument("--time-limit", type=float, default=150, help="seconds of training (default: %(default)s)")
    parser.add_argument("--recipe-time-limit", type=float, metavar="SECONDS", help="train the recipe for this long")
    parser.add_argument("--seeds", type=int, default=3, help="number of seeds (default: %(default)s)")
    parser.add_argument("--skip-recipe", action="store_true", help="measure train.py alone")
    arguments = parser.parse_args()
    limit, recipe_limit = arguments.time_limit, arguments.recipe_time_limit or arguments.time_limit
    measured: dict[str, list[Figures]] = {"recipe": [], "train.py": []}
    with tempfile.TemporaryDirectory() as folder:
        training, validation = (convert(path, folder) for path in (arguments.training, arguments.validation))
        for seed in map(str, range(arguments.seeds)):
            if not arguments.skip_recipe:
                history = Path(folder, f"recipe-{seed}.csv")
                command = ["-m", "bench.assignment_recipe", arguments.training, arguments.validation]
                command += ["--time-limit", str(recipe_limit), "--seed", seed, "--history", str(history)]
                measured["recipe"].append(measure(command, history, limit))
            out = Path(folder, f"run-{seed}")
            command = ["train.py", "--data", training, "--validation-data", validation, "--no-augment"]
            command += ["--time-limit", str(limit), "--seed", seed, "--out", str(out)]
            measured["train.py"].append(measure(command, out / "history.csv", limit))
            for way, runs in measured.items():
                if runs:
                    print(f"seed {seed}  {way:9}" + "".join(f"{figure:9.2f}" for figure in runs[-1]), flush=True)
    print(f"\n{'median of ' + str(arguments.seeds) + ' seeds':38}" + "".join(f"{way:>10}" for way in measured))
    for number, figure in enumerate(FIGURES):
        medians = (median(run[number] for run in runs) if runs else math.nan for runs in measured.values())
        print(f"{figure:38}" + "".join(f"{value:10.2f}" for value in medians))


def convert(pickle: str, folder: str) -> str:
    destination = Path(folder, Path(pickle).stem + ".h5")
    run_python(["convert_pkl_to_h5.py", pickle, destination])
    return str(destination)


def measure(command: Sequence[str], history: Path, time_limit: float) -> Figures:
    """Runs a command that prints a `step` line for each row of its history; returns its FIGURES.

    The error is that of the first evaluation at or after time_limit seconds of training, or else of the last one.
    train.py scores a few sequences during training and all of them at its end; only the error at its end is reported.
    """
    began = time.perf_counter()
    arrivals: list[float] = []

    def note_arrival(line: str) -> None:
        if line.startswith("step"):
            arrivals.append(time.perf_counter() - began)

    process = run_python(command, note_arrival)
    rows = read_history(str(history))
    first = first_that_stays_below([row["validation_pixel_error"] for row in rows])
    to_target = (math.inf, math.inf) if first is None else (rows[first]["seconds"], arrivals[first])
    at_limit = next((row for row in rows if row["seconds"] >= time_limit), rows[-1])
    error, metrics = at_limit["validation_pixel_error"], history.with_name("metrics.json")
    if metrics.exists():
        error = json.loads(metrics.read_text())["mean_pixel_error"]
    return (*to_target, error, process.peak_mebibytes)


def first_that_stays_below(errors: Sequence[float]) -> int | None:
    """The index from which on every error is below TARGET, or None."""
    above = [index for index, error in enumerate(errors) if error >= TARGET]
    first = above[-1] + 1 if above else 0
    return first if first < len(errors) else None


if __name__ == "__main__":
    main()
