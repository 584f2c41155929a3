"""Measures the error on people who are not in the training data, by cross-validation with folds of whole videos.

A fold holds out every FOLDS-th video. train.py trains on the others for --time-limit seconds and validates on a few of
their sequences, so nothing is chosen on the people held out. evaluate.py then scores the model on them. With --recipe
the assignment's recipe gets the same sequences and the same time.

The last fold is the headline: design choices are made on the other folds.
"""

from __future__ import annotations

import argparse
import json
import pickle
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from bench.processes import run_python
from pipeline.store.reader import SequenceStore
from pipeline.store.writer import StoreWriter
from report.error_table import format_table

SEQUENCES_PER_BLOCK = 64
MONITORED_SEQUENCES = "64"


def main() -> None:
    arguments = parse_arguments()
    with tempfile.TemporaryDirectory() as temporary:
        for fold in arguments.only or range(arguments.folds):
            folder = Path(arguments.keep or temporary, f"fold-{fold}")
            training, held_out = write_fold(arguments, folder, fold)
            metrics = train_and_score(training, held_out, folder / arguments.name, arguments)
            mean_pose_error = metrics["mean_pose_pixel_error"]
            print_scores(f"fold {fold}, train.py", metrics, mean_pose_error)
            if arguments.recipe:
                summary = score_recipe(training, held_out, folder / "recipe", arguments)
                print_scores(f"fold {fold}, the recipe", summary, mean_pose_error)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        usage="%(prog)s [option ...] DATA.h5 [-- option of train.py ...]",
        description=__doc__,
        epilog="Options after -- are passed to train.py.",
    )
    parser.add_argument("data", metavar="DATA.h5")
    parser.add_argument("--time-limit", default="900", help="seconds of training (default: %(default)s)")
    parser.add_argument("--folds", type=int, default=4, help="number of folds (default: %(default)s)")
    parser.add_argument("--only", type=int, nargs="*", metavar="FOLD", help="folds to run (default: all)")
    parser.add_argument("--people", type=int, metavar="N", help="train on N of a fold's videos (default: on all)")
    parser.add_argument("--seed", default="0")
    parser.add_argument("--recipe", action="store_true", help="train the assignment's recipe too")
    parser.add_argument("--keep", metavar="DIR", help="keep the folds' files, the runs and the scores in this folder")
    parser.add_argument("--name", default="run", help="name of the run in DIR/fold-N (default: %(default)s)")
    given = sys.argv[1:]
    end = given.index("--") if "--" in given else len(given)
    return parser.parse_args(given[:end], argparse.Namespace(train_arguments=given[end + 1 :]))


def write_fold(arguments: argparse.Namespace, folder: Path, fold: int) -> tuple[Path, Path]:
    """Writes the training and the held-out file of a fold, unless they exist; returns their paths.

    The held-out file has the sequences of every --folds-th video, starting with number `fold`. The training file has
    those of the others, or of --people of them at equal distances.
    """
    folder.mkdir(parents=True, exist_ok=True)
    people = arguments.people
    with SequenceStore(arguments.data) as store:
        is_held_out = store.videos % arguments.folds == fold
        videos = np.unique(store.videos[~is_held_out])
        if people is not None and not 0 < people <= len(videos):
            sys.exit(f"error: --people must be from 1 to {len(videos)}, the videos that the fold trains on")
        if people is not None:
            videos = videos[np.arange(people) * len(videos) // people]
        training = folder / ("training.h5" if people is None else f"training-{people}.h5")
        held_out = folder / "held_out.h5"
        for path, is_part in ((training, np.isin(store.videos, videos)), (held_out, is_held_out)):
            if not path.exists():
                write_part(store, np.flatnonzero(is_part), path, Path(arguments.data))
    return training, held_out


def write_part(store: SequenceStore, indices: np.ndarray, path: Path, source: Path) -> None:
    """Writes a data set of the store's sequences of these indices. source: the store's path."""
    with StoreWriter(path) as writer:
        for start in range(0, len(indices), SEQUENCES_PER_BLOCK):
            frames, labels = store.read_sequences(indices[start : start + SEQUENCES_PER_BLOCK])
            writer.add_frames(frames)
            writer.add_labels(labels)
        writer.finish(source.name, source.stat().st_size, store.source_sha256)


def train_and_score(training: Path, held_out: Path, out: Path, arguments: argparse.Namespace) -> Any:
    """Runs train.py on the training file; returns the metrics that evaluate.py writes for the people held out."""
    command = ["train.py", "--data", training, "--out", out, "--time-limit", arguments.time_limit]
    command += ["--seed", arguments.seed, "--validation-split", "random", "--validation-sequences", MONITORED_SEQUENCES]
    run_python([*command, *arguments.train_arguments])
    run_python(["evaluate.py", out / "model", held_out, "--out", out / "held_out"])
    return json.loads((out / "held_out" / "metrics.json").read_text())


def score_recipe(training: Path, held_out: Path, out: Path, arguments: argparse.Namespace) -> Any:
    """Trains the assignment's recipe, which takes pickles; returns the summary of its errors on the people held out."""
    out.mkdir(parents=True)
    pickles = [write_pickle(path, out / f"{path.stem}.pkl") for path in (training, held_out)]
    scores = out / "scores.json"
    command = ["-m", "bench.assignment_recipe", *pickles, "--time-limit", arguments.time_limit]
    run_python([*command, "--seed", arguments.seed, "--history", out / "history.csv", "--scores", scores])
    return json.loads(scores.read_text())


def write_pickle(path: Path, destination: Path) -> Path:
    with SequenceStore(path) as store, open(destination, "wb") as file:
        pickle.dump(store.read_sequences(np.arange(len(store))), file, protocol=4)
    return destination


def print_scores(title: str, summary: Any, mean_pose_error: float) -> None:
    print(f"\n{title}: {summary['mean_pixel_error']:.2f} px, the mean pose {mean_pose_error:.2f} px")
    print(format_table(summary), flush=True)


if __name__ == "__main__":
    main()
