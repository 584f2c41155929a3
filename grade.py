"""Grades a folder of submissions: a table, and a page to look at.

Each model runs in a process of its own, which is ended where it goes beyond its limits. Begun again with the same
--out, only what is new or changed is graded.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Sequence

import numpy as np
from tqdm import tqdm

from evaluation.scores import errors_of_pose
from grading.grade import KEEPS, NOT_SCORED, SCORED, Grade
from grading.grades_csv import write_grades_csv
from grading.grades_page import GradesPage, write_grades_page
from grading.gradescope import write_gradescope_results
from grading.grading import Task, graded
from grading.submissions import find_submissions
from pipeline.mean_pose import mean_pose
from pipeline.store.reader import SequenceStore
from report.identity import data_identity, date_identity
from support.argument_parser import ArgumentParser, positive
from support.cores import usable_cores
from support.destination import check_is_no_device, make_folder
from support.sandbox.limits import Limits, can_limit_memory
from support.user_error import UserError, print_warning, printable, reported_user_errors

# A page of a hundred students takes a second to write.
SECONDS_BETWEEN_PAGES = 20.0


def main() -> None:
    with reported_user_errors():
        arguments = parse_arguments()
        check_out(arguments.out, arguments.submissions)
        submissions, others = find_submissions(arguments.submissions)
        for name in others:
            print_warning(f"{name} is neither a folder nor a zip; it is not graded")
        if not can_limit_memory():
            print_warning("this operating system cannot hold a model to --memory-limit")
        with SequenceStore(arguments.data) as store:
            make_folder(arguments.out)
            indices = np.arange(len(store))
            pose = mean_pose(store, indices)
            pose_error = errors_of_pose(pose, store, indices).mean_pixel_error
            threads = max(1, usable_cores() // arguments.jobs)
            limits = Limits(arguments.time_limit, arguments.time_limit, arguments.memory_limit, threads)
            task = Task(store, pose, limits, arguments.trust, os.path.join(arguments.out, "kept"))
            grades: list[Grade] = []
            written = time.monotonic()
            with tqdm(total=len(submissions), desc="grading", unit=" models", leave=False, disable=None) as bar:
                for grade in graded(submissions, task, arguments.jobs):
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
    parser.add_argument("submissions", metavar="SUBMISSIONS", help="a folder with a folder or zip for each student")
    parser.add_argument("data", metavar="DATA.h5", help="a converted data set to score the models on")
    parser.add_argument("--out", metavar="GRADES", required=True, help="the folder for grades.csv and grades.html")
    parser.add_argument(
        "--jobs", type=positive(int), default=usable_cores(), help="models at a time (default: the cores)"
    )
    parser.add_argument(
        "--time-limit",
        type=positive(float),
        default=600.0,
        metavar="S",
        help="seconds that a model may take in all (default: %(default)g)",
    )
    parser.add_argument(
        "--memory-limit",
        type=positive(int),
        default=4000,
        metavar="MB",
        help="that a model may take, beside TensorFlow (default: %(default)s)",
    )
    parser.add_argument("--results-json", action="store_true", help="write what Gradescope's autograder reads, too")
    parser.add_argument("--trust", action="store_true", help="run models even if they hold ops that no network needs")
    return parser.parse_args()


def check_out(out: str, submissions: str) -> None:
    """Raises UserError where grades must not be written to the folder `out`."""
    check_is_no_device(out)
    inside = os.path.commonpath([os.path.realpath(out), os.path.realpath(submissions)])
    if inside == os.path.realpath(submissions):
        raise UserError(f"{out} is in the folder of the submissions; give --out another place")
    if os.path.isdir(out) and os.listdir(out) and not os.path.isdir(os.path.join(out, "kept")):
        raise UserError(f"{out} holds something else than grades; give another --out")


def write_page(
    arguments: argparse.Namespace, store: SequenceStore, pose_error: float, grades: Sequence[Grade], expected: int
) -> str:
    """Writes grades.html; returns its path. pose_error: of always predicting the mean pose, pixels."""
    limits = f"{arguments.time_limit:g} s and {arguments.memory_limit} MB a model"
    facts = [("submissions", arguments.submissions), *data_identity(store), ("limits", limits), date_identity()]
    page = GradesPage(
        title=f"Grades: {os.path.basename(os.path.abspath(arguments.submissions))}",
        facts=facts,
        grades=grades,
        mean_pose_error=pose_error,
        is_complete=len(grades) == expected,
        expected=expected,
    )
    return write_grades_page(os.path.join(arguments.out, "grades.html"), page)


def print_grades(grades: Sequence[Grade]) -> None:
    """Prints a line for each student, the best first, and how many there are of each verdict."""
    width = min(40, max(len(grade.student) for grade in grades))
    ranked = sorted(grades, key=lambda grade: grade.scores.pixel_error if grade.scores else float("inf"))
    for grade in ranked:
        error = f"{grade.scores.pixel_error:7.2f} px" if grade.scores else " " * 10
        first = f": {grade.breaches[0]}" if grade.breaches else ""
        print(printable(grade.student)[:width].ljust(width) + f" {error}  {grade.verdict}{first}"[:120])
    counts = [(verdict, sum(grade.verdict == verdict for grade in grades)) for verdict in (KEEPS, SCORED, NOT_SCORED)]
    print(f"{len(grades)} submissions: " + ", ".join(f"{count} {verdict}" for verdict, count in counts))


if __name__ == "__main__":
    main()
