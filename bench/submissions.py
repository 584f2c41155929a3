"""Makes a folder of student submissions to try grade.py on.

There is one folder or archive per student: models that meet the requirements, nearly meet them, are damaged, or attack
the computer that runs them. The networks are small and untrained; they predict roughly the mean pose. The same command
makes the same weights. OUT_DIR.tsv, beside the folder, has a line for each submission, separated by tabs: its name, its
kind, the expected verdict of grade.py, and what a teaching assistant expects to read. The lines are printed, too.

--ours adds a copy of the model in MODEL_DIR. No submission is run here. Do not run those of student_models/hostile.py
outside of grade.py.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from bench.student_models.catalogue import CATALOGUE, MEETS, Submission
from bench.student_models.names import name_of_submission
from model.export.saved_model import MODEL_FILES, copy_model
from support.argument_parser import ArgumentParser
from support.atomic_write import atomic_folder, atomic_write
from support.user_error import UserError, reported_user_errors

OURS = "ours"


@dataclass(frozen=True)
class Written:
    """A submission that was made."""

    name: str  # of the file or folder
    kind: str  # key in the catalogue
    submission: Submission


def main() -> None:
    with reported_user_errors():
        arguments = parse_arguments()
        check_arguments(arguments.out, arguments.ours)
        catalogue = with_ours(arguments.ours) if arguments.ours else CATALOGUE
        with atomic_folder(arguments.out) as partial:
            lines = [describe(written) for written in write_submissions(Path(partial), catalogue, catalogue)]
        with atomic_write(table_beside(arguments.out)) as partial:
            Path(partial).write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def parse_arguments() -> argparse.Namespace:
    parser = ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="example: python -m bench.submissions submissions --ours runs/first/model",
    )
    parser.add_argument("out", metavar="OUT_DIR", help="the folder to make")
    parser.add_argument("--ours", metavar="MODEL_DIR", help="add a copy of the model in this folder")
    return parser.parse_args()


def check_arguments(out: str, ours: str | None) -> None:
    """Raises UserError if OUT_DIR or its table exists, or MODEL_DIR lacks one of the four files."""
    for path in (out, table_beside(out)):
        if os.path.lexists(path):
            raise UserError(f"{path} exists; remove it or give another OUT_DIR")
    missing = [name for name in MODEL_FILES if ours and not os.path.isfile(os.path.join(ours, name))]
    if missing:
        raise UserError(f"{ours} has no file {missing[0]}; give the folder with the model's four files")


def table_beside(out: str) -> str:
    """The path of the table of the submissions in the folder OUT_DIR."""
    return f"{os.path.normpath(out)}.tsv"


def describe(written: Written) -> str:
    """The line of the table for a submission, which is printed, too."""
    line = "\t".join((written.name, written.kind, written.submission.verdict, written.submission.reads))
    print(line, flush=True)
    return line


def with_ours(model: str) -> dict[str, Submission]:
    """The catalogue, and at its end a copy of the model in this folder."""

    def copy_ours(path: Path, seed: int) -> None:
        """A copy of a model of this project."""
        copy_model(model, str(path))

    return {**CATALOGUE, OURS: Submission(copy_ours, MEETS, "nothing")}


def write_submissions(
    folder: Path, kinds: Iterable[str], catalogue: dict[str, Submission] = CATALOGUE
) -> Iterator[Written]:
    """Makes the submissions of these kinds in an existing folder, and yields each when it is complete.

    A kind's name and weights depend on its place in the catalogue, not on the other kinds that are made. Raises OSError
    if one cannot be written.
    """
    places = {kind: place for place, kind in enumerate(catalogue)}
    for kind in kinds:
        submission = catalogue[kind]
        name = name_of_submission(submission.form, places[kind])
        submission.build(folder / name, 1 + places[kind])
        yield Written(name, kind, submission)


if __name__ == "__main__":
    main()
