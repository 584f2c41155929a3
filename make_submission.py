"""Zips what a run hands in: the model's four files, and beside them the report and the code."""

import os
import zipfile
from pathlib import Path

from command_line.user_error import ArgumentParser, UserError, reported_user_errors
from files.atomic_write import atomic_write

ROOT = Path(__file__).resolve().parent
CODE = ("*.py", "requirements.txt", "requirements-video.txt", "Makefile", "README.md", "LICENSE")
CODE_FOLDERS = (
    "command_line",
    "evaluation",
    "files",
    "machine",
    "media",
    "model",
    "pipeline",
    "prediction",
    "report",
    "run",
)
# The earliest that a zip can say: with the true times, the same files would give another zip.
TIME = (1980, 1, 1, 0, 0, 0)


def main():
    with reported_user_errors():
        arguments = parse_arguments()
        run, path = arguments.run, arguments.out or os.path.join(arguments.run, "submission.zip")
        check_run(run)
        if os.path.lexists(path):
            raise UserError(f"{path} exists; remove it or give another --out")
        check_model(os.path.join(run, "model"))
        members = submission_members(run)
        write_zip(path, members)
        print(f"wrote {path}: {len(members)} files, {os.path.getsize(path) / 1e6:.1f} MB")


def parse_arguments():
    parser = ArgumentParser(
        description=__doc__,
        epilog="example: python make_submission.py runs/first",
    )
    parser.add_argument("run", metavar="RUN", help="the folder of a run that is done")
    parser.add_argument("--out", metavar="FILE.zip", help="default: submission.zip in RUN")
    return parser.parse_args()


def check_run(run):
    """Raises UserError where the folder is not that of a run that is done."""
    if not run:
        raise UserError("no run is named; give its folder, as in make submission RUN=runs/first")
    if not os.path.isdir(run):
        raise UserError(f"{run} is not a folder; give that of a run of train.py")
    if not os.path.exists(os.path.join(run, "config.json")):
        raise UserError(f"{run} holds no run of train.py; give the folder that its --out named")
    for name in ("model", "report.html"):
        if not os.path.exists(os.path.join(run, name)):
            raise UserError(f"{run} has no {name} yet; finish the run with python train.py --resume --out {run}")


def check_model(directory):
    """Prints each breach of the course's contract as an error line and exits with status 2 if there is one."""
    from evaluate import check

    check(directory)


def submission_members(run):
    """A dict from the name in the zip to the Path of the file: the four files and the report, and the code in code/."""
    run = Path(run)
    handed_in = [*sorted((run / "model").iterdir()), run / "report.html"]
    code = [path for pattern in CODE for path in ROOT.glob(pattern)]
    code += [path for folder in CODE_FOLDERS for end in ("py", "jinja") for path in (ROOT / folder).rglob(f"*.{end}")]
    named = {path.name: path for path in handed_in}
    return {**named, **{f"code/{path.relative_to(ROOT).as_posix()}": path for path in sorted(code)}}


def write_zip(path, members):
    """Writes a zip of these files, a dict from name to Path; the same contents give the same bytes."""
    with atomic_write(path) as partial, zipfile.ZipFile(partial, "w") as archive:
        for name, source in members.items():
            member = zipfile.ZipInfo(name, TIME)
            member.create_system, member.external_attr = 3, 0o644 << 16
            archive.writestr(member, source.read_bytes(), zipfile.ZIP_DEFLATED)


if __name__ == "__main__":
    main()
