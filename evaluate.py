"""Checks whether a saved model meets the assignment's requirements and, given data, computes its pixel errors.

A model that violates a requirement is scored anyway if possible, but the exit status is 2. Further files beside the
four of the model, and a model in a subfolder, are only notes, unless --strict is given.
"""

import argparse
import contextlib
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))  # for python -I and PYTHONSAFEPATH

import numpy as np

from evaluation.evaluation_blocks import SEQUENCES_PER_BLOCK
from evaluation.scores import score
from model.export.contract import verdict
from model.predictor import PosePredictor
from model.sandboxed.sandboxed_model import SandboxedModel, sandboxed_model
from pipeline.mean_pose import mean_pose
from pipeline.sequence_shape import COURSE_SHAPE, SequenceShape
from pipeline.store.reader import SequenceStore
from report.error_table import format_scores
from report.html_report import Report, write_html_report
from report.provenance import describe_scored_data, provenance
from report.score_files import write_score_files
from support.argument_parser import ArgumentParser
from support.destination import check_is_no_device, make_folder
from support.sandbox.limit_options import add_limit_options, limits_of
from support.text import counted, printable
from support.user_error import UserError, print_error, print_warning, reported_user_errors


def main() -> None:
    with reported_user_errors():
        arguments = parse_arguments()
        if arguments.out:
            check_out(arguments.out, arguments.data)
        limits = limits_of(arguments)
        with SequenceStore(arguments.data) if arguments.data else contextlib.nullcontext() as store:
            shape = COURSE_SHAPE if store is None else store.shape
            with sandboxed_model(arguments.model, shape, arguments.trust, limits) as model:
                is_valid = print_verdict(model, shape, arguments.strict)
                if store is not None and model.predictor is not None and (is_valid or not arguments.strict):
                    evaluate(arguments, model, model.predictor, store)
        if not is_valid:
            raise SystemExit(2)


def check_out(out: str, data: str | None) -> None:
    """Raises UserError if results cannot or must not be written to the folder `out`."""
    if data is None:
        raise UserError("--out needs data to score the model on; add DATA.h5 to the command")
    if os.path.exists(os.path.join(out, "metrics.json")):
        raise UserError(f"{out} already contains the results of an evaluation; choose another folder for --out")
    check_is_no_device(out)


def print_verdict(model: SandboxedModel, shape: SequenceShape, is_strict: bool) -> bool:
    """Prints whether the model meets the requirements, and which it violates. Returns True if it meets all.

    is_strict: whether notes are violations.
    """
    breaches = [*(model.notes if is_strict else []), *model.breaches]
    for breach in breaches:
        print_error(breach)
    for warning in model.warnings:
        print_warning(warning)
    for note in [] if is_strict else model.notes:
        print("note:", printable(note))
    print(verdict(breaches, shape), flush=True)
    return not breaches


def evaluate(
    arguments: argparse.Namespace, model: SandboxedModel, predictor: PosePredictor, store: SequenceStore
) -> None:
    """Scores the model on all sequences, prints the errors and writes the results to --out."""
    if arguments.out is not None:
        make_folder(os.path.join(arguments.out, "plots"))
    indices = np.arange(len(store))
    scores = score(predictor, store, indices, mean_pose(store, indices))
    print(counted(len(store), "sequence"))
    print(format_scores(scores))
    if arguments.out is not None:
        report = Report(
            title=f"Evaluation: {os.path.basename(os.path.abspath(arguments.out))}",
            scores=scores,
            data=describe_scored_data(store),
            card=provenance(arguments.model, store, verdict(model.breaches, store.shape)),
        )
        page = write_html_report(os.path.join(arguments.out, "report.html"), report)
        print("wrote " + ", ".join([*write_score_files(arguments.out, scores), page]))


def parse_arguments() -> argparse.Namespace:
    parser = ArgumentParser(
        description=__doc__,
        epilog="example: python evaluate.py runs/first/model withheld.h5 --out scores",
    )
    parser.add_argument("model", metavar="MODEL_DIR", help="folder of the saved model")
    parser.add_argument(
        "data", metavar="DATA.h5", nargs="?", help="converted data set; omit it to check the model only"
    )
    parser.add_argument("--out", metavar="DIR", help="write metrics.json, plots/ and report.html to this folder")
    parser.add_argument(
        "--strict",
        action="store_true",
        help="treat notes as violations, and do not score a model that violates a requirement",
    )
    sandbox = parser.add_argument_group(
        "sandbox", "The model runs in a separate process. On Linux, its memory is limited and it cannot write to files."
    )
    add_limit_options(
        sandbox,
        "limit in seconds for loading the model, and again for each block of up to "
        f"{SEQUENCES_PER_BLOCK} sequences; the total time is not limited",
    )
    return parser.parse_args()


if __name__ == "__main__":
    main()
