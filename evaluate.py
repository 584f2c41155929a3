"""Checks a saved model against the course's contract and, given data, scores it.

A model that breaks the contract is scored too, where it can be; the exit status is 2 then.
"""

import argparse
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))  # for python -I and PYTHONSAFEPATH

import numpy as np

from evaluation.scores import score
from model.export.contract import verdict
from model.predictor import PosePredictor
from model.sandboxed.sandboxed_model import WalledModel, walled_model
from pipeline.mean_pose import mean_pose
from pipeline.sequence_shape import COURSE_SHAPE, SequenceShape
from pipeline.store.reader import SequenceStore
from report.html_report import Report, write_html_report
from report.identity import identity_of
from report.score_files import write_score_files
from report.table import format_scores
from run.data import describe_scored_data
from support.argument_parser import ArgumentParser
from support.destination import check_is_no_device, make_folder
from support.sandbox.limit_options import add_limit_options, limits_of
from support.text import counted
from support.user_error import UserError, print_error, print_warning, reported_user_errors


def main() -> None:
    with reported_user_errors():
        arguments = parse_arguments()
        if arguments.out and not arguments.data:
            raise UserError("--out needs data to score the model on; give DATA.h5 too")
        if arguments.out and os.path.exists(os.path.join(arguments.out, "metrics.json")):
            raise UserError(f"{arguments.out} holds the metrics of another evaluation; give another --out")
        if arguments.out:
            check_is_no_device(arguments.out)
        limits = limits_of(arguments)
        if arguments.data is None:
            with walled_model(arguments.model, trust=arguments.trust, limits=limits) as model:
                keeps = print_verdict(model, COURSE_SHAPE)
        else:
            with (
                SequenceStore(arguments.data) as store,
                walled_model(arguments.model, store.shape, arguments.trust, limits) as model,
            ):
                keeps = print_verdict(model, store.shape)
                if model.predictor is not None and (keeps or not arguments.strict):
                    evaluate(arguments, model, model.predictor, store)
        if not keeps:
            raise SystemExit(2)


def print_verdict(model: WalledModel, shape: SequenceShape) -> bool:
    """Prints whether the model keeps the contract, and why not; returns that."""
    for breach in model.breaches:
        print_error(breach)
    for warning in model.warnings:
        print_warning(warning)
    print(verdict(model.breaches, shape), flush=True)
    return not model.breaches


def evaluate(arguments: argparse.Namespace, model: WalledModel, predictor: PosePredictor, store: SequenceStore) -> None:
    """Scores the model on all sequences; prints the table and writes what --out asks for."""
    if arguments.out is not None:
        make_folder(os.path.join(arguments.out, "plots"))
    indices = np.arange(len(store))
    scores = score(predictor, store, indices, mean_pose(store, indices))
    print(counted(len(store), "sequence"))
    print(format_scores(scores))
    if arguments.out is not None:
        title = f"Evaluation: {os.path.basename(os.path.abspath(arguments.out))}"
        identity = identity_of(arguments.model, store, verdict(model.breaches, store.shape))
        report = Report(title, scores, describe_scored_data(store), identity=identity)
        page = write_html_report(os.path.join(arguments.out, "report.html"), report)
        print("wrote " + ", ".join([*write_score_files(arguments.out, scores), page]))


def parse_arguments() -> argparse.Namespace:
    parser = ArgumentParser(
        description=__doc__,
        epilog="example: python evaluate.py runs/first/model youtube_withheld_data.h5 --out scores",
    )
    parser.add_argument("model", metavar="MODEL_DIR", help="the folder of the saved model")
    parser.add_argument("data", metavar="DATA.h5", nargs="?", help="a converted data set; without it, only the check")
    parser.add_argument("--out", metavar="DIR", help="write metrics.json, plots and report.html there")
    parser.add_argument("--strict", action="store_true", help="score no model that breaks the contract")
    add_limit_options(parser)
    parser.add_argument("--trust", action="store_true", help="run it even if it holds ops that no network needs")
    return parser.parse_args()


if __name__ == "__main__":
    main()
