"""What a run hands in: the model's four files, the report, and the project's code."""

import os
import zipfile
from pathlib import Path

from run.folder import RunPaths
from support.atomic_write import atomic_write
from support.user_error import UserError

ROOT = Path(__file__).resolve().parent.parent
CODE = ("*.py", "pyproject.toml", "requirements.lock", "Makefile", "README.md", "LICENSE")
# Packages that no command imports.
DEVELOPMENT_PACKAGES = ("bench", "tests")
# The earliest date that a zip can hold. With the files' own dates, the same contents would give different zips.
DATE = (1980, 1, 1, 0, 0, 0)


def check_run(out: str) -> None:
    """Raises UserError if the folder `out` is not that of a finished run."""
    if not out:
        raise UserError("no run given; give its folder, as in make submission RUN=runs/first")
    if not os.path.isdir(out):
        raise UserError(f"{out} is not a folder; give the folder of a run of train.py")
    paths = RunPaths(out)
    if not os.path.exists(paths.config):
        raise UserError(f"{out} is not the folder of a run; give the --out of a run of train.py")
    for path in (paths.model, paths.report):
        if not os.path.exists(path):
            name = os.path.basename(path)
            raise UserError(f"{out} has no {name} yet; finish the run with python train.py --resume --out {out}")


def submission_members(out: str) -> dict[str, Path]:
    """Returns each file to hand in by its name in the zip. The code is in the zip's folder code/."""
    paths = RunPaths(out)
    handed_in = [*sorted(Path(paths.model).iterdir()), Path(paths.report)]
    packages = [path.parent for path in ROOT.glob("*/__init__.py") if path.parent.name not in DEVELOPMENT_PACKAGES]
    code = [path for pattern in CODE for path in ROOT.glob(pattern)]
    code += [path for package in packages for ending in ("py", "jinja") for path in package.rglob(f"*.{ending}")]
    named = {path.name: path for path in handed_in}
    return {**named, **{f"code/{path.relative_to(ROOT).as_posix()}": path for path in sorted(code)}}


def write_zip(path: str, members: dict[str, Path]) -> None:
    """Writes a zip of these files, atomically. The same contents give the same bytes."""
    with atomic_write(path) as partial, zipfile.ZipFile(partial, "w") as archive:
        for name, source in members.items():
            member = zipfile.ZipInfo(name, DATE)
            member.create_system, member.external_attr = 3, 0o644 << 16
            archive.writestr(member, source.read_bytes(), zipfile.ZIP_DEFLATED)
