"""Puts together the folder of one student from what was handed in: folders, single files and archives in archives."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass

from grading.archives import Budget, is_archive, unpack
from grading.submissions import Submission, temporary_folder
from model.export.found_model import find_model
from support.machine_errors import machine_errors
from support.user_error import MachineError, UserError

MOST_BYTES = 2_000_000_000
MOST_FILES = 10_000
# A platform's archive, the student's archive in it, and one more that was packed by mistake.
MOST_NESTED_ARCHIVES = 3
MOST_NAMED = 5


@dataclass(frozen=True)
class StudentFolder:
    path: str  # of the folder in which to look for the model
    notes: tuple[str, ...]  # one line each


@contextlib.contextmanager
def student_folder(submission: Submission) -> Iterator[StudentFolder]:
    """Yields the folder with a student's files, which is temporary unless a folder was handed in.

    If it has no model, the archives in it are unpacked, and the folder of the one that has a model is yielded. Raises
    UserError if two of them have one, or if an archive is damaged or exceeds the limits of the submission; MachineError
    if the files cannot be unpacked on this machine.
    """
    budget = Budget(MOST_FILES, MOST_BYTES)
    with contextlib.ExitStack() as stack:
        with machine_errors():
            folder = _assembled(submission, budget, stack)
        inside: list[str] = []
        for _ in range(MOST_NESTED_ARCHIVES):
            if find_model(folder).graph or not (archives := _archives_in(folder)):
                break
            with machine_errors():
                unpacked, failures = _unpacked(archives, folder, budget, stack)
            with_model = {name: path for name, path in unpacked.items() if find_model(path).graph}
            if len(with_model) > 1:
                listed = ", ".join(list(with_model)[:MOST_NAMED])
                raise UserError(f"there are {len(with_model)} models, in {listed}; hand in one")
            if not with_model and failures:
                raise failures[0]
            nested = {name: path for name, path in unpacked.items() if _archives_in(path)}
            chosen = with_model or nested if len(with_model or nested) == 1 else unpacked
            if len(chosen) != 1:
                listed = ", ".join(list(unpacked)[:MOST_NAMED])
                raise UserError(f"no saved model found, also not in {listed}; hand in the model's four files")
            [(name, folder)] = chosen.items()
            inside.append(name)
        is_found = bool(inside) and bool(find_model(folder).graph)
        yield StudentFolder(folder, (f"the model is in the archive {'/'.join(inside)}",) if is_found else ())


def _assembled(submission: Submission, budget: Budget, stack: contextlib.ExitStack) -> str:
    """The one folder that was handed in, or a temporary one with all files."""
    folders = [source.path for source in submission.sources if os.path.isdir(source.path)]
    if len(submission.sources) == len(folders) == 1:
        return folders[0]
    target = stack.enter_context(temporary_folder())
    for source in submission.sources:
        if os.path.isdir(source.path):
            _copy_folder(source.path, target, budget)
        elif source.place:
            budget.take(source.path, [os.path.getsize(source.path)])
            shutil.copyfile(source.path, os.path.join(target, os.path.basename(source.place)))
        else:
            unpack(source.path, target, budget)
    return target


def _copy_folder(folder: str, target: str, budget: Budget) -> None:
    """Copies the regular files of a folder into another one."""
    for place, _, files in os.walk(folder):
        for name in files:
            path = os.path.join(place, name)
            if os.path.isfile(path) and not os.path.islink(path):
                budget.take(path, [os.path.getsize(path)])
                copy = os.path.join(target, os.path.relpath(path, folder))
                os.makedirs(os.path.dirname(copy), exist_ok=True)
                shutil.copyfile(path, copy)


def _archives_in(folder: str) -> list[str]:
    """The archives below a folder, as paths relative to it, sorted; at most as many as files may be unpacked."""
    found: list[str] = []
    for place, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if name != "__MACOSX" and not name.startswith(".")]
        paths = (os.path.join(place, name) for name in files if is_archive(name) and not name.startswith("."))
        found += [os.path.relpath(path, folder) for path in paths if os.path.isfile(path) and not os.path.islink(path)]
        if len(found) > MOST_FILES:
            break
    return sorted(found[:MOST_FILES])


def _unpacked(
    archives: list[str], folder: str, budget: Budget, stack: contextlib.ExitStack
) -> tuple[dict[str, str], list[UserError]]:
    """Unpacks each of the archives in a folder into a temporary one: the paths by archive, and what could not be."""
    unpacked, failures = {}, []
    for name in archives:
        target = stack.enter_context(temporary_folder())
        try:
            unpack(os.path.join(folder, name), target, budget)
            unpacked[name] = target
        except MachineError:
            raise
        except UserError as error:
            failures.append(UserError(*(line.replace(folder + os.sep, "") for line in error.messages)))
    return unpacked, failures
