"""The folder of a run: where its files are, and how one process at a time writes to it."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import tempfile
from collections.abc import Iterator

from support.destination import locked_file, make_folder
from support.user_error import UserError

LOCK = ".lock"
UNFINISHED = re.compile(r"\.(?P<name>.+)\.\d+\.(?P<state>partial|old)")
WILDCARDS = "*?["


class RunPaths:
    """The files and folders of the run in the folder `out`."""

    def __init__(self, out: str) -> None:
        self.out = out
        self.config = os.path.join(out, "config.json")
        self.history = os.path.join(out, "history.csv")
        self.checkpoints = os.path.join(out, "checkpoints")  # the best models
        self.last_states = os.path.join(self.checkpoints, "last")  # the states to resume from
        self.model = os.path.join(out, "model")  # the exported model
        self.plots = os.path.join(out, "plots")
        self.loss_plot = os.path.join(self.plots, "loss.png")
        self.report = os.path.join(out, "report.html")
        self.event_files = os.path.join(out, "tensorboard")
        self.demo_pickle = os.path.join(out, "demo.pkl")
        self.demo_data = os.path.join(out, "demo.h5")


# What a run writes before its config.json, which makes it resumable.
BEFORE_CONFIG = tuple(map(os.path.basename, (RunPaths("").demo_pickle, RunPaths("").demo_data)))


@contextlib.contextmanager
def run_folder(out: str, resume: bool, is_chief: bool = True) -> Iterator[RunPaths]:
    """The RunPaths of a claimed folder: see claimed_folder.

    Only the chief writes the run's folder. Other workers may be on machines that cannot access it, and get a temporary
    one.
    """
    with contextlib.ExitStack() as folders:
        if not is_chief:
            out, resume = folders.enter_context(tempfile.TemporaryDirectory()), False
        folders.enter_context(claimed_folder(out, resume))
        yield RunPaths(out)


@contextlib.contextmanager
def claimed_folder(out: str, resume: bool) -> Iterator[None]:
    """Creates the folder `out` if necessary, and locks it against other runs until the end.

    Raises UserError if another process uses it, if it is not empty (unless `resume`), or if TensorFlow cannot handle
    its name. If an error ends the run before config.json is written, the folder is removed again.
    """
    if any(character in out for character in WILDCARDS):
        raise UserError(f"{out}: TensorFlow treats * ? [ in a path as wildcards; give another --out")
    try:
        out.encode()
    except UnicodeEncodeError:
        raise UserError(f"{out}: TensorFlow needs a path in UTF-8; give another --out") from None
    _check_is_free(out, resume)
    made = _missing_folders(out)
    make_folder(out)
    try:
        with _locked(out):
            _check_is_free(out, resume)
            _remove_unfinished(out)
            try:
                yield
            except BaseException:
                _remove_files_without_config(out)
                raise
    finally:
        for folder in made:
            with contextlib.suppress(OSError):
                os.rmdir(folder)


def _check_is_free(out: str, resume: bool) -> None:
    """Raises UserError if the folder has content other than the first files of a run that was killed."""
    if resume or not os.path.lexists(out):
        return
    names = os.listdir(out) if os.path.isdir(out) else [None]
    if not all(name in (LOCK, *BEFORE_CONFIG) or name and UNFINISHED.fullmatch(name) for name in names):
        raise UserError(f"{out} exists; give another --out, or --resume to continue the run in it")


def _missing_folders(path: str) -> list[str]:
    """The folder and those of its parents that do not exist, the deepest first."""
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


def _remove_unfinished(out: str) -> None:
    for folder in (out, RunPaths(out).plots, RunPaths(out).checkpoints):
        for name in os.listdir(folder) if os.path.isdir(folder) else ():
            if unfinished := UNFINISHED.fullmatch(name):
                path, place = os.path.join(folder, name), os.path.join(folder, unfinished["name"])
                if unfinished["state"] == "old" and not os.path.exists(place):
                    os.rename(path, place)
                elif os.path.isdir(path):
                    shutil.rmtree(path)
                else:
                    os.remove(path)


def _remove_files_without_config(out: str) -> None:
    if not os.path.exists(RunPaths(out).config):
        for name in BEFORE_CONFIG:
            with contextlib.suppress(FileNotFoundError):
                os.remove(os.path.join(out, name))
