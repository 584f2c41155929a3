"""What a run hands in: the model's four files, the report, and the project's code."""

import contextlib
import os
import re
import zipfile
from pathlib import Path

from pipeline.store.reader import SequenceStore
from run.config_file import resumed_settings
from run.data_choice import data_files
from run.folder import RunPaths
from support.atomic_write import atomic_write
from support.user_error import UserError

ROOT = Path(__file__).resolve().parent.parent
CODE = ("*.py", "pyproject.toml", "requirements.lock", "Makefile", "README.md", "LICENSE")
# The name of the folder that the publisher's archive contains, in all its versions; not that of a pickle.
RELEASE = re.compile(r"youtube[ _-]?pose(?!.*\.(pkl|pickle|zip)$)", re.IGNORECASE)
# Packages that no command imports.
DEVELOPMENT_PACKAGES = ("bench", "tests")
# The earliest date that a zip can hold. With the files' own dates, the same contents would give different zips.
DATE = (1980, 1, 1, 0, 0, 0)


def warnings_of_data(out: str) -> list[str]:
    """What the course may object to in the data that the run in the folder `out` was trained on.

    A data set that is no longer where it was is not examined. The publisher's release is recognized by its folder's
    name. Raises UserError if the run's config.json is damaged.
    """
    settings = resumed_settings(out)
    if settings.data is None:
        return ["this model was trained on drawn people, not on the course's data"]
    warnings = []
    for file in data_files(settings.data):
        with contextlib.suppress(UserError, OSError), SequenceStore(file.path) as store:
            if RELEASE.match(store.source_name):
                warnings.append(
                    f"this model was trained on the publisher's original data ({store.name}, converted from "
                    f"{store.source_name}); the assignment bars them from the hand-in: train on the course's file"
                )
    return warnings


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
