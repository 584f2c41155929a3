"""Grades a download of submissions: one row per student in a table, and a page with everyone's best and worst frames.

Each model runs in a separate process with limits on time and memory. When rerun with the same --out, only new and
changed submissions are graded. The exit status is 2 if something could not be graded here, or belongs to no student.
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
from grading.course import CourseRow
from grading.course_rows import course_rows
from grading.grade_submissions import GradingTask, grade_submissions, shared_machine
from grading.grades_csv import write_grades_csv
from grading.grades_page import write_grades_page
from grading.gradescope import write_gradescope_results
from grading.roster import join_roster, read_roster
from grading.rubric import read_rubric
from grading.stored_grade import NOT_GRADED, Grade
from grading.submissions import find_submissions, opened_course
from pipeline.mean_pose import mean_pose
from pipeline.store.reader import SequenceStore
from report.provenance import data_provenance, date
from support.argument_parser import ArgumentParser, positive
from support.destination import check_is_no_device, make_folder
from support.sandbox.limit_options import add_limit_options, limits_of
from support.text import counted, printable
from support.user_error import UserError, print_warning, reported_user_errors

# Writing the page for a hundred students takes a second.
SECONDS_BETWEEN_PAGES = 20.0
STORED_GRADES = "kept"
OUT_OF_MEMORY = "out of memory; close other programs or grade fewer models at a time with --jobs"


def main() -> None:
    with reported_user_errors(OUT_OF_MEMORY):
        arguments = parse_arguments()
        check_out(arguments.out, arguments.submissions)
        roster = read_roster(arguments.roster) if arguments.roster else []
        rubric = read_rubric(arguments.points) if arguments.points else None
        with opened_course(arguments.submissions) as folder, SequenceStore(arguments.data) as store:
            submissions, others = find_submissions(folder)
            listed, warnings = join_roster({one.student: one.person for one in submissions}, roster)
            for warning in warnings if arguments.roster else []:
                print_warning(warning)
            make_folder(arguments.out)
            pose = mean_pose(store, np.arange(len(store)))
            pose_error = errors_of_pose(pose, store, np.arange(len(store))).mean_pixel_error
            kept = os.path.join(arguments.out, STORED_GRADES)
            task = GradingTask(
                store, pose, limits_of(arguments, is_total=True), arguments.trust, arguments.strict, kept
            )
            grades: dict[str, Grade] = {}
            written = time.monotonic()
            with tqdm(total=len(submissions), desc="grading", unit=" models", leave=False, disable=None) as bar:
                for grade in grade_submissions(submissions, task, shared_machine(arguments.jobs)):
                    grades[grade.student] = grade
                    rows = course_rows(listed, grades, rubric, store.shape)
                    write_grades_csv(os.path.join(arguments.out, "grades.csv"), rows)
                    if time.monotonic() - written > SECONDS_BETWEEN_PAGES:
                        write_page(arguments, store, pose_error, rows, len(submissions))
                        written = time.monotonic()
                    bar.update()
            page = write_page(arguments, store, pose_error, rows, len(submissions))
        if arguments.results_json:
            for grade in grades.values():
                write_gradescope_results(os.path.join(arguments.out, "results"), grade, pose_error)
        print_rows(rows)
        print(f"wrote {os.path.join(arguments.out, 'grades.csv')} and {page}")
        check_everything_is_graded(rows, others)


def parse_arguments() -> argparse.Namespace:
    parser = ArgumentParser(
        description=__doc__,
        epilog="example: python grade.py submissions youtube_withheld_data.h5 --out grades",
    )
    parser.add_argument(
        "submissions", metavar="SUBMISSIONS", help="what the learning platform or shared drive gives: a folder or a zip"
    )
    parser.add_argument("data", metavar="DATA.h5", help="converted data set to score the models on")
    course = parser.add_argument_group("course")
    course.add_argument(
        "--roster", metavar="FILE.csv", help="the platform's list of students: joins submissions to names, in its order"
    )
    course.add_argument("--points", metavar="RUBRIC.toml", help="give points by this rubric: see docs/GRADING.md")
    course.add_argument(
        "--strict", action="store_true", help="treat notes on places and names of files as breaches of the requirements"
    )
    output = parser.add_argument_group("output")
    output.add_argument("--out", metavar="GRADES", required=True, help="folder for grades.csv and grades.html")
    output.add_argument("--anonymous", action="store_true", help="hide the names on the page, to show it to the course")
    output.add_argument(
        "--results-json", action="store_true", help="also write a results file per student for Gradescope's autograder"
    )
    models = parser.add_argument_group("running the models")
    models.add_argument(
        "--jobs",
        type=positive(int),
        metavar="N",
        help="number of models to run at the same time (default: number of CPU cores, fewer if memory is short)",
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
    arguments: argparse.Namespace, store: SequenceStore, pose_error: float, rows: Sequence[CourseRow], expected: int
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
        rows=rows,
        mean_pose_error=pose_error,
        expected=expected,
        anonymous=arguments.anonymous,
    )


def print_rows(rows: Sequence[CourseRow]) -> None:
    """Prints one line per student, the best first, and the number of students with each verdict."""
    width = min(40, max(len(printable(row.person.name)) for row in rows))
    for row in sorted(rows, key=error_of):
        error = f"{error_of(row):7.2f} px" if error_of(row) < float("inf") else " " * 10
        reason = f": {row.grade.breaches[0]}" if row.grade and row.grade.breaches else ""
        print(printable(row.person.name)[:width].ljust(width) + f" {error}  {row.verdict}{reason}"[:120])
    counts = dict.fromkeys((row.verdict for row in rows), 0)
    for row in rows:
        counts[row.verdict] += 1
    print(f"{counted(len(rows), 'student')} ({'; '.join(f'{name}: {count}' for name, count in counts.items())})")


def error_of(row: CourseRow) -> float:
    """The pixel error of a row, for sorting; infinite without scores."""
    return row.grade.scores.pixel_error if row.grade and row.grade.scores else float("inf")


def check_everything_is_graded(rows: Sequence[CourseRow], others: Sequence[str]) -> None:
    """Raises UserError with a line for each submission that this machine could not grade, and for other files."""
    problems = [
        f"{row.person.name} was not graded: {row.grade.breaches[0]}; then run the same command again"
        for row in rows
        if row.grade and row.grade.verdict == NOT_GRADED
    ]
    problems += [f"{name} belongs to no student; put it into a student's folder, or remove it" for name in others]
    if problems:
        raise UserError(*problems)


if __name__ == "__main__":
    main()
