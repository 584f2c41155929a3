"""Zips a finished run for submission, with the report, the code and the model's four files; says what goes where."""

import argparse
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))  # for python -I and PYTHONSAFEPATH

from model.export.contract import opened_model
from run.folder import RunPaths
from run.submission import check_run, submission_members, warnings_of_data, write_zip
from support.argument_parser import ArgumentParser
from support.destination import check_is_no_device
from support.user_error import UserError, print_warning, reported_user_errors


def main() -> None:
    with reported_user_errors():
        arguments = parse_arguments()
        run, path = arguments.run, arguments.out or os.path.join(arguments.run, "submission.zip")
        check_run(run)
        check_is_no_device(path)
        if os.path.lexists(path):
            raise UserError(f"{path} exists; remove it or choose another --out")
        warnings = warnings_of_data(run)
        with opened_model(RunPaths(run).model) as model:
            print(model.verdict)
        members = submission_members(run)
        write_zip(path, members)
        for warning in warnings:
            print_warning(warning)
        print(f"wrote {path}: {len(members)} files, {os.path.getsize(path) / 1e6:.1f} MB")
        print(f"to the drive: the four files in {RunPaths(run).model}")
        print(f"to the course's site: {path}, with the report, the code and a copy of the four files")


def parse_arguments() -> argparse.Namespace:
    parser = ArgumentParser(
        description=__doc__,
        epilog="example: python make_submission.py runs/first",
    )
    parser.add_argument("run", metavar="RUN", help="folder of a finished run of train.py")
    parser.add_argument("--out", metavar="FILE.zip", help="zip file to write (default: submission.zip in RUN)")
    return parser.parse_args()


if __name__ == "__main__":
    main()
