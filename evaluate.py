"""Checks a saved model against the course's contract and, given data, scores it."""

import json
import os

import numpy as np
from tqdm import tqdm

from command_line.user_error import ArgumentParser, UserError, print_error, reported_user_errors
from evaluation.blocks import evaluation_blocks
from evaluation.hardest import Hardest
from evaluation.pixel_errors import PixelErrors
from evaluation.sequence_ranking import SequenceRanking
from files.atomic_write import atomic_write
from pipeline.mean_pose import mean_pose
from pipeline.sequence_shape import COURSE_SHAPE
from pipeline.store.reader import SequenceStore
from report.table import format_table
from run.data import describe_scored_data

EXAMPLES = 15
LABELS_PER_READ = 512


def main():
    with reported_user_errors():
        arguments = parse_arguments()
        if arguments.out and not arguments.data:
            raise UserError("--out needs data to score the model on; give DATA.h5 too")
        if arguments.out and os.path.exists(os.path.join(arguments.out, "metrics.json")):
            raise UserError(f"{arguments.out} holds the metrics of another evaluation; give another --out")
        if arguments.data is None:
            return check(arguments.model, trust=arguments.trust)
        with SequenceStore(arguments.data) as store:
            check(arguments.model, store.shape, arguments.trust)
            if arguments.out is not None:
                os.makedirs(os.path.join(arguments.out, "plots"), exist_ok=True)
            evaluate(arguments.model, store, arguments.out, arguments.trust)


def parse_arguments():
    parser = ArgumentParser(
        description=__doc__,
        epilog="example: python evaluate.py runs/first/model youtube_withheld_data.h5 --out scores",
    )
    parser.add_argument("model", metavar="MODEL_DIR", help="the folder with checkpoint and the three my_model files")
    parser.add_argument("data", metavar="DATA.h5", nargs="?", help="a converted data set; without it, only the check")
    parser.add_argument("--out", metavar="DIR", help="write metrics.json, the plots and report.html to this folder")
    parser.add_argument("--trust", action="store_true", help="run it even if it holds ops that no network needs")
    return parser.parse_args()


def check(directory, shape=COURSE_SHAPE, trust=False):
    """Prints each breach of the contract as an error line and exits with status 2 if there is one.

    shape: SequenceShape of the data that the model is scored on, which need not be the course's. trust: see
    contract_breaches.
    """
    from model.export.contract import contract_breaches

    breaches = contract_breaches(directory, shape, trust)
    for breach in breaches:
        print_error(breach)
    if breaches:
        raise SystemExit(2)
    print(verdict(shape))


def verdict(shape):
    """What to say of a model that takes sequences of this SequenceShape and keeps the contract in all else."""
    if shape == COURSE_SHAPE:
        return "The model keeps the contract."
    return f"The model takes {shape}, the course's contract wants {COURSE_SHAPE}; in all else it keeps the contract."


def evaluate(directory, store, out, trust=False):
    """Prints the table of the model's errors on the whole data set; writes scores and plots to the folder `out`."""
    from evaluation.shown_sequences import predict_shown_sequences
    from model.export.saved_model import loaded_model
    from report.html_report import Report, write_html_report

    indices = np.arange(len(store))
    with loaded_model(directory, trust=trust) as predictor:
        hardest, ranking = Hardest(), SequenceRanking()
        errors = score_sequences(predictor, store, indices, hardest, ranking)
        mean_pose_errors = score_pose(mean_pose(store, indices), store, indices)
        print(f"{len(store)} sequences")
        print_scores(errors, mean_pose_errors, hardest)
        if out is not None:
            metrics = make_metrics(errors, mean_pose_errors, hardest)
            examples, worst = predict_examples(predictor, store, indices), worst_examples(hardest, store)
            paths = write_scores(out, metrics, examples, worst)
            report = Report(
                title=f"Evaluation: {os.path.basename(os.path.abspath(out))}",
                metrics=metrics,
                mean_pose=mean_pose_errors.summary(),
                data=describe_scored_data(store),
                hardest=hardest.summary_line(),
                sequences=predict_shown_sequences(predictor, store, ranking),
                worst=worst,
            )
            paths.append(write_html_report(os.path.join(out, "report.html"), report))
            print("wrote " + ", ".join(paths))


def score_sequences(predictor, store, indices, hardest=None, ranking=None):
    """The PixelErrors of a Predictor on these sequences, int (N,), of an open SequenceStore; in constant memory.

    hardest, ranking: a Hardest and a SequenceRanking that get the same predictions, where it is asked for which videos,
    frames and sequences are hardest.
    """
    errors = PixelErrors()
    with tqdm(total=len(indices), desc="evaluating", unit=" sequences", leave=False, disable=None, delay=2) as progress:
        for block in evaluation_blocks(store, indices):
            predictions = predictor.predict_block(block.frames, block.positions)
            errors.add(predictions, block.labels)
            if hardest is not None:
                hardest.add(predictions, block.labels, store.sequences[block.indices], store.videos[block.indices])
            if ranking is not None:
                ranking.add(block.indices, predictions, block.labels)
            progress.update(len(block.indices))
    return errors


def score_pose(pose, store, indices):
    """The PixelErrors of always predicting `pose`, float32 (7, 2) pixels, on these sequences."""
    errors = PixelErrors()
    for start in range(0, len(indices), LABELS_PER_READ):
        labels = store.read_labels(indices[start : start + LABELS_PER_READ])
        errors.add(np.broadcast_to(pose, labels.shape), labels)
    return errors


def print_scores(errors, mean_pose_errors, hardest):
    """Prints the table of pixel errors, and which videos are hardest."""
    print(format_table(errors.summary(), mean_pose_errors.summary()))
    if line := hardest.summary_line():
        print(line)


def make_metrics(errors, mean_pose_errors, hardest):
    """What metrics.json holds: the summary of the errors, in pixels, the mean pose's, and those by video."""
    return {
        **errors.summary(),
        "mean_pose_pixel_error": mean_pose_errors.mean_pixel_error,
        "video_pixel_error": hardest.video_pixel_error(),
    }


def predict_examples(predictor, store, indices):
    """The last frame of up to 15 sequences, evenly spaced: frames (K, 64, 64, 3), labels and predictions (K, 7, 2)."""
    chosen = indices[np.linspace(0, len(indices) - 1, min(EXAMPLES, len(indices))).round().astype(int)]
    frames, labels = store.read_sequences(chosen)
    predictions = predictor.predict(frames)
    return frames[:, -1], labels[:, -1], predictions[:, -1]


def worst_examples(hardest, store):
    """The worst frames (K, 64, 64, 3), labels and predictions (K, 7, 2), and a title for each: its video."""
    worst = hardest.worst_frames()
    frames = store.read_frames([kept.frame for kept in worst])
    labels = np.stack([kept.label for kept in worst])
    predictions = np.stack([kept.prediction for kept in worst])
    return frames, labels, predictions, [f"video {kept.video}" for kept in worst]


def write_scores(folder, metrics, examples, worst):
    """Writes metrics.json and accuracy.png, predictions.png and worst.png in plots/ below the folder; returns paths."""
    from report.accuracy_curves import draw_accuracy_curves
    from report.overlays import draw_overlays

    plots = os.path.join(folder, "plots")
    os.makedirs(plots, exist_ok=True)
    path = os.path.join(folder, "metrics.json")
    with atomic_write(path) as partial, open(partial, "w", encoding="utf-8") as file:
        json.dump(metrics, file, indent=2)
    return [
        path,
        draw_accuracy_curves(os.path.join(plots, "accuracy.png"), metrics),
        draw_overlays(os.path.join(plots, "predictions.png"), *examples),
        draw_overlays(os.path.join(plots, "worst.png"), *worst),
    ]


if __name__ == "__main__":
    main()
