"""Checks a saved model against the course's contract and, given data, scores it."""

import argparse
import os

import numpy as np

from command_line.argument_parser import ArgumentParser
from command_line.user_error import UserError, reported_user_errors
from evaluation.scores import Scores, score
from model.export.contract import opened_model
from pipeline.mean_pose import mean_pose
from pipeline.store.reader import SequenceStore
from report.html_report import Report, write_html_report
from report.score_files import write_score_files
from report.table import format_scores
from run.data import describe_scored_data


def main() -> None:
    with reported_user_errors():
        arguments = parse_arguments()
        if arguments.out and not arguments.data:
            raise UserError("--out needs data to score the model on; give DATA.h5 too")
        if arguments.out and os.path.exists(os.path.join(arguments.out, "metrics.json")):
            raise UserError(f"{arguments.out} holds the metrics of another evaluation; give another --out")
        if arguments.data is None:
            with opened_model(arguments.model, trust=arguments.trust) as model:
                print(model.verdict)
            return
        with (
            SequenceStore(arguments.data) as store,
            opened_model(arguments.model, store.shape, arguments.trust) as model,
        ):
            print(model.verdict)
            if arguments.out is not None:
                os.makedirs(os.path.join(arguments.out, "plots"), exist_ok=True)
            indices = np.arange(len(store))
            scores = score(model.predictor, store, indices, mean_pose(store, indices))
            print(f"{len(store)} sequences")
            print(format_scores(scores))
            if arguments.out is not None:
                print("wrote " + ", ".join(write_evaluation(arguments.out, scores, store)))


def parse_arguments() -> argparse.Namespace:
    parser = ArgumentParser(
        description=__doc__,
        epilog="example: python evaluate.py runs/first/model youtube_withheld_data.h5 --out scores",
    )
    parser.add_argument("model", metavar="MODEL_DIR", help="the folder with checkpoint and the three my_model files")
    parser.add_argument("data", metavar="DATA.h5", nargs="?", help="a converted data set; without it, only the check")
    parser.add_argument("--out", metavar="DIR", help="write metrics.json, the plots and report.html to this folder")
    parser.add_argument("--trust", action="store_true", help="run it even if it holds ops that no network needs")
    return parser.parse_args()


def write_evaluation(out: str, scores: Scores, store: SequenceStore) -> list[str]:
    """Writes metrics.json, the plots and report.html to the folder `out`; returns their paths."""
    title = f"Evaluation: {os.path.basename(os.path.abspath(out))}"
    report = Report(title, scores, describe_scored_data(store))
    return [*write_score_files(out, scores), write_html_report(os.path.join(out, "report.html"), report)]


if __name__ == "__main__":
    main()
