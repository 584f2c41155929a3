"""Grades a folder of submissions: one row per student in a table, and a page with each student's best and worst frames.

Each model runs in a separate process with limits on time and memory. When rerun with the same --out, only new and
changed submissions are graded.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Sequence

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))  # for python -I and PYTHONSAFEPATH

import numpy as np
from tqdm import tqdm

from evaluation.scores import errors_of_pose
from grading.grade_submissions import GradingTask, grade_submissions
from grading.grades_csv import write_grades_csv
from grading.grades_page import write_grades_page
from grading.gradescope import write_gradescope_results
from grading.stored_grade import VERDICTS, Grade
from grading.submissions import find_submissions
from pipeline.mean_pose import mean_pose
from pipeline.store.reader import SequenceStore
from report.provenance import data_provenance, date
from support.argument_parser import ArgumentParser, positive
from support.destination import check_is_no_device, make_folder
from support.machine import usable_cores
from support.sandbox.limit_options import add_limit_options, limits_of
from support.text import printable
from support.user_error import UserError, print_warning, reported_user_errors

# Writing the page for a hundred students takes a second.
SECONDS_BETWEEN_PAGES = 20.0
STORED_GRADES = "kept"
OUT_OF_MEMORY = "out of memory; close other programs or grade fewer models at a time with --jobs"


def main() -> None:
    with reported_user_errors(OUT_OF_MEMORY):
        arguments = parse_arguments()
        check_out(arguments.out, arguments.submissions)
        submissions, others = find_submissions(arguments.submissions)
        for name in others:
            print_warning(f"ignoring {name}, which is not a folder or zip")
        with SequenceStore(arguments.data) as store:
            make_folder(arguments.out)
            indices = np.arange(len(store))
            pose = mean_pose(store, indices)
            pose_error = errors_of_pose(pose, store, indices).mean_pixel_error
            threads = max(1, usable_cores() // arguments.jobs)
            limits = limits_of(arguments, is_total=True, threads=threads)
            task = GradingTask(store, pose, limits, arguments.trust, os.path.join(arguments.out, STORED_GRADES))
            grades: list[Grade] = []
            written = time.monotonic()
            with tqdm(total=len(submissions), desc="grading", unit=" models", leave=False, disable=None) as bar:
                for grade in grade_submissions(submissions, task, arguments.jobs):
                    grades = sorted([*grades, grade], key=lambda grade: grade.student)
                    write_grades_csv(os.path.join(arguments.out, "grades.csv"), grades)
                    if time.monotonic() - written > SECONDS_BETWEEN_PAGES:
                        write_page(arguments, store, pose_error, grades, len(submissions))
                        written = time.monotonic()
                    bar.update()
            page = write_page(arguments, store, pose_error, grades, len(submissions))
        if arguments.results_json:
            for grade in grades:
                write_gradescope_results(os.path.join(arguments.out, "results"), grade, pose_error)
        print_grades(grades)
        print(f"wrote {os.path.join(arguments.out, 'grades.csv')} and {page}")


def parse_arguments() -> argparse.Namespace:
    parser = ArgumentParser(
        description=__doc__,
        epilog="example: python grade.py submissions youtube_withheld_data.h5 --out grades",
    )
    parser.add_argument("submissions", metavar="SUBMISSIONS", help="folder with one folder or zip per student")
    parser.add_argument("data", metavar="DATA.h5", help="converted data set to score the models on")
    output = parser.add_argument_group("output")
    output.add_argument("--out", metavar="GRADES", required=True, help="folder for grades.csv and grades.html")
    output.add_argument(
        "--results-json", action="store_true", help="also write a results file per student for Gradescope's autograder"
    )
    models = parser.add_argument_group("running the models")
    models.add_argument(
        "--jobs",
        type=positive(int),
        default=usable_cores(),
        metavar="N",
        help="number of models to run at the same time (default: number of CPU cores)",
    )
    add_limit_options(models, "limit in seconds for each model, from loading it to its last prediction", megabytes=4000)
    return parser.parse_args()


def check_out(out: str, submissions: str) -> None:
    """Raises UserError if grades must not be written to the folder `out`."""
    check_is_no_device(out)
    inside = os.path.commonpath([os.path.realpath(out), os.path.realpath(submissions)])
    if inside == os.path.realpath(submissions):
        raise UserError(f"{out} is inside the folder of submissions; choose another --out")
    if os.path.isdir(out) and os.listdir(out) and not os.path.isdir(os.path.join(out, STORED_GRADES)):
        raise UserError(f"{out} is not a grades folder; choose another --out")


def write_page(
    arguments: argparse.Namespace, store: SequenceStore, pose_error: float, grades: Sequence[Grade], expected: int
) -> str:
    """Writes grades.html; returns its path. pose_error: error of always predicting the mean pose, pixels."""
    limits = f"{arguments.time_limit:g} s and {arguments.memory_limit} MB per model"
    return write_grades_page(
        os.path.join(arguments.out, "grades.html"),
        title=f"Grades: {os.path.basename(os.path.abspath(arguments.submissions))}",
        provenance=[
            ("submissions", arguments.submissions),
            *data_provenance(store),
            ("limits", limits),
            date(),
        ],
        grades=grades,
        mean_pose_error=pose_error,
        expected=expected,
    )


def print_grades(grades: Sequence[Grade]) -> None:
    """Prints one line per student, the best first, and the number of students with each verdict."""
    width = min(40, max(len(grade.student) for grade in grades))
    for grade in sorted(grades, key=lambda grade: grade.scores.pixel_error if grade.scores else float("inf")):
        error = f"{grade.scores.pixel_error:7.2f} px" if grade.scores else " " * 10
        first_breach = f": {grade.breaches[0]}" if grade.breaches else ""
        print(printable(grade.student)[:width].ljust(width) + f" {error}  {grade.verdict}{first_breach}"[:120])
    counts = "; ".join(f"{verdict}: {sum(grade.verdict == verdict for grade in grades)}" for verdict in VERDICTS)
    print(f"{len(grades)} submissions ({counts})")


if __name__ == "__main__":
    main()
