"""The folder of a run: one process at a time writes to it, and removes what a killed one left unfinished."""

import contextlib
import os
import re
import shutil
from collections.abc import Iterator

from run.paths import RunPaths
from support.destination import locked_file, make_folder
from support.user_error import UserError

LOCK = ".lock"
HALF_DONE = re.compile(r"\.(?P<name>.+)\.\d+\.(?P<state>partial|old)")
PATTERN = "*?["
# What a run makes before its config.json, from which on it can be resumed.
BEFORE_CONFIG = tuple(map(os.path.basename, (RunPaths("").demo_pickle, RunPaths("").demo_data)))


@contextlib.contextmanager
def claimed_folder(out: str, resume: bool) -> Iterator[None]:
    """Creates the folder `out`, unless it is there, and keeps all other runs out of it until the end.

    Raises UserError where another process has it, where it holds something, but for `resume`, and where TensorFlow
    would not find its files. Where an error ends a run before its config.json is written, nothing is left of it.
    """
    if any(character in out for character in PATTERN):
        raise UserError(f"{out}: TensorFlow takes * ? [ in a path for a pattern; give another --out")
    try:
        out.encode()
    except UnicodeEncodeError:
        raise UserError(f"{out}: TensorFlow takes no path that is not UTF-8; give another --out") from None
    _check_is_free(out, resume)
    made = _missing_folders(out)
    make_folder(out)
    try:
        with _locked(out):
            _check_is_free(out, resume)
            _remove_half_done(out)
            try:
                yield
            except BaseException:
                _remove_what_has_no_config(out)
                raise
    finally:
        for folder in made:
            with contextlib.suppress(OSError):
                os.rmdir(folder)


def _check_is_free(out: str, resume: bool) -> None:
    """Raises UserError where the run's folder holds something else; what was killed as it began is nothing."""
    if resume or not os.path.lexists(out):
        return
    names = os.listdir(out) if os.path.isdir(out) else [None]
    if not all(name in (LOCK, *BEFORE_CONFIG) or name and HALF_DONE.fullmatch(name) for name in names):
        raise UserError(f"{out} exists; give another --out, or --resume to go on with the run in it")


def _missing_folders(path: str) -> list[str]:
    """The folder and its parents that do not exist, the deepest first."""
    missing, path = [], os.path.abspath(path)
    while not os.path.lexists(path):
        missing.append(path)
        path = os.path.dirname(path)
    return missing


@contextlib.contextmanager
def _locked(out: str) -> Iterator[None]:
    with contextlib.ExitStack() as locks:
        try:
            locks.enter_context(locked_file(os.path.join(out, LOCK)))
        except BlockingIOError:
            raise UserError(f"another run is writing to {out}; wait for it to end, or give another --out") from None
        yield


def _remove_half_done(out: str) -> None:
    for folder in (out, RunPaths(out).plots, RunPaths(out).checkpoints):
        for name in os.listdir(folder) if os.path.isdir(folder) else ():
            if half_done := HALF_DONE.fullmatch(name):
                path, place = os.path.join(folder, name), os.path.join(folder, half_done["name"])
                if half_done["state"] == "old" and not os.path.exists(place):
                    os.rename(path, place)
                elif os.path.isdir(path):
                    shutil.rmtree(path)
                else:
                    os.remove(path)


def _remove_what_has_no_config(out: str) -> None:
    if not os.path.exists(RunPaths(out).config):
        for name in BEFORE_CONFIG:
            with contextlib.suppress(FileNotFoundError):
                os.remove(os.path.join(out, name))
