"""What a run hands in: the model's four files, and beside them the report and the code."""

import os
import zipfile
from pathlib import Path

from run.paths import RunPaths
from support.atomic_write import atomic_write
from support.user_error import UserError

ROOT = Path(__file__).resolve().parent.parent
CODE = ("*.py", "pyproject.toml", "requirements.lock", "Makefile", "README.md", "LICENSE")
CODE_FOLDERS = ("evaluation", "grading", "model", "pipeline", "report", "run", "support", "video")
# The earliest that a zip can say: with the true times, the same files would give another zip.
TIME = (1980, 1, 1, 0, 0, 0)


def check_run(out: str) -> None:
    """Raises UserError where the folder `out` is not that of a run that is done."""
    if not out:
        raise UserError("no run is named; give its folder, as in make submission RUN=runs/first")
    if not os.path.isdir(out):
        raise UserError(f"{out} is not a folder; give that of a run of train.py")
    paths = RunPaths(out)
    if not os.path.exists(paths.config):
        raise UserError(f"{out} holds no run of train.py; give the folder that its --out named")
    for path in (paths.model, paths.report):
        if not os.path.exists(path):
            name = os.path.basename(path)
            raise UserError(f"{out} has no {name} yet; finish the run with python train.py --resume --out {out}")


def submission_members(out: str) -> dict[str, Path]:
    """By name in the zip, each file: the model's four and the report of the run in `out`, and the code in code/."""
    paths = RunPaths(out)
    handed_in = [*sorted(Path(paths.model).iterdir()), Path(paths.report)]
    code = [path for pattern in CODE for path in ROOT.glob(pattern)]
    code += [path for folder in CODE_FOLDERS for end in ("py", "jinja") for path in (ROOT / folder).rglob(f"*.{end}")]
    named = {path.name: path for path in handed_in}
    return {**named, **{f"code/{path.relative_to(ROOT).as_posix()}": path for path in sorted(code)}}


def write_zip(path: str, members: dict[str, Path]) -> None:
    """Writes a zip of these files, atomically; the same contents give the same bytes."""
    with atomic_write(path) as partial, zipfile.ZipFile(partial, "w") as archive:
        for name, source in members.items():
            member = zipfile.ZipInfo(name, TIME)
            member.create_system, member.external_attr = 3, 0o644 << 16
            archive.writestr(member, source.read_bytes(), zipfile.ZIP_DEFLATED)
