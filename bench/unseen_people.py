"""Measures the error on people whom the network has never seen, by cross-validation with folds of whole videos.

A fold holds out every FOLDS-th video. train.py trains on the others for --time-limit seconds and validates on a few of
their own sequences, so nothing is chosen on the people held out. evaluate.py then scores the model on them. With
--recipe the assignment's recipe gets the same sequences and the same time.

The last fold is the headline: design choices are made on the other folds.
"""

import argparse
import json
import pickle
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from pipeline.store.reader import SequenceStore
from pipeline.store.writer import StoreWriter
from report.error_table import format_table

SEQUENCES_PER_BLOCK = 64
WATCHED_SEQUENCES = 64


def main():
    arguments = parse_arguments()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(arguments.keep or temporary)
        for fold in arguments.only or range(arguments.folds):
            training, held_out = write_fold(arguments, folder / f"fold-{fold}", fold)
            out = folder / f"fold-{fold}" / arguments.name
            metrics = train_and_score(training, held_out, out, arguments)
            mean_pose_error = metrics["mean_pose_pixel_error"]
            print_scores(f"fold {fold}, train.py", metrics, mean_pose_error)
            if arguments.recipe:
                out = folder / f"fold-{fold}" / "recipe"
                summary = score_recipe(training, held_out, out, arguments)
                print_scores(f"fold {fold}, the recipe", summary, mean_pose_error)


def parse_arguments():
    parser = argparse.ArgumentParser(
        usage="%(prog)s [option ...] DATA.h5 [-- option of train.py ...]",
        description=__doc__,
        epilog="Options after -- are passed to train.py.",
    )
    parser.add_argument("data", metavar="DATA.h5")
    parser.add_argument("--time-limit", type=float, default=900, help="seconds of training (default: %(default)s)")
    parser.add_argument("--folds", type=int, default=4, help="number of folds (default: %(default)s)")
    parser.add_argument("--only", type=int, nargs="*", metavar="FOLD", help="folds to run (default: all)")
    parser.add_argument("--people", type=int, metavar="N", help="train on N of a fold's videos (default: on all)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--recipe", action="store_true", help="train the assignment's recipe too")
    parser.add_argument("--keep", metavar="DIR", help="keep the folds' files, the runs and the scores in this folder")
    parser.add_argument("--name", default="run", help="name of the run in DIR/fold-N (default: %(default)s)")
    given = sys.argv[1:]
    end = given.index("--") if "--" in given else len(given)
    return parser.parse_args(given[:end], argparse.Namespace(train_arguments=given[end + 1 :]))


def write_fold(arguments, folder, fold):
    """Writes what a fold trains on and what it holds out to the folder, where they are not yet; returns the paths.

    The latter holds the sequences of every --folds-th video, starting with number `fold`; the former those of the
    others, or of --people of them.
    """
    folder.mkdir(parents=True, exist_ok=True)
    people = arguments.people
    with SequenceStore(arguments.data) as store:
        is_held_out = store.videos % arguments.folds == fold
        videos = np.unique(store.videos[~is_held_out])
        if people is not None and not 0 < people <= len(videos):
            sys.exit(f"error: --people must be from 1 to {len(videos)}, the videos that the fold trains on")
        kept = videos if people is None else spread(videos, people)
        training = folder / ("training.h5" if people is None else f"training-{people}.h5"), np.isin(store.videos, kept)
        held_out = folder / "held_out.h5", is_held_out
        for path, part in (training, held_out):
            if not path.exists():
                write_part(store, np.flatnonzero(part), path, Path(arguments.data))
    return training[0], held_out[0]


def spread(values, number):
    """So many of the values, at equal distances in their order; of a smaller number not always a part of a larger."""
    return values[np.arange(number) * len(values) // number]


def write_part(store, indices, path, source):
    with StoreWriter(path) as writer:
        for frames, labels in blocks(store, indices):
            writer.add_frames(frames)
            writer.add_labels(labels)
        writer.finish(source.name, source.stat().st_size, store.source_sha256)


def blocks(store, indices):
    for start in range(0, len(indices), SEQUENCES_PER_BLOCK):
        yield store.read_sequences(indices[start : start + SEQUENCES_PER_BLOCK])


def train_and_score(training, held_out, out, arguments):
    """Runs train.py on the training file; returns the metrics that evaluate.py writes for the people held out."""
    limit, seed = str(arguments.time_limit), str(arguments.seed)
    watched = ["--validation-split", "random", "--validation-sequences", str(WATCHED_SEQUENCES)]
    command = ["train.py", "--data", training, "--out", out, "--time-limit", limit, "--seed", seed, *watched]
    run([*command, *arguments.train_arguments])
    run(["evaluate.py", out / "model", held_out, "--out", out / "held_out"])
    return json.loads((out / "held_out" / "metrics.json").read_text())


def score_recipe(training, held_out, out, arguments):
    """Trains the assignment's recipe, which takes pickles; returns the summary of its errors on the people held out."""
    out.mkdir(parents=True)
    pickles = [write_pickle(path, out / f"{path.stem}.pkl") for path in (training, held_out)]
    limit = ["--time-limit", str(arguments.time_limit), "--seed", str(arguments.seed)]
    scores = out / "scores.json"
    files = ["--history", out / "history.csv", "--scores", scores]
    run(["-m", "bench.assignment_recipe", *pickles, *limit, *files])
    return json.loads(scores.read_text())


def write_pickle(path, destination):
    with SequenceStore(path) as store, open(destination, "wb") as file:
        pickle.dump(store.read_sequences(np.arange(len(store))), file, protocol=4)
    return destination


def run(command):
    """Runs a command. If it fails, exits with its status: it has printed why."""
    finished = subprocess.run([sys.executable, *map(str, command)], stdout=subprocess.DEVNULL)
    if finished.returncode:
        sys.exit(finished.returncode)


def print_scores(title, summary, mean_pose_error):
    print(f"\n{title}: {summary['mean_pixel_error']:.2f} px, the mean pose {mean_pose_error:.2f} px")
    print(format_table(summary), flush=True)


if __name__ == "__main__":
    main()
