"""Finds the submissions in a folder: one folder or zip a student; unpacks zips within bounds."""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
import tempfile
import zipfile
from collections.abc import Iterator
from typing import NamedTuple

from support.user_error import UserError

MOST_BYTES = 2_000_000_000
MOST_ENTRIES = 10_000
BYTES_PER_READ = 1 << 20
PASSED_OVER = {"__MACOSX"}


class Submission(NamedTuple):
    """student: the name of the folder or zip, without the ending. path: of it."""

    student: str
    path: str


def find_submissions(folder: str) -> tuple[list[Submission], list[str]]:
    """The submissions in a folder, by name, and the names of all else that lies there.

    Links are not followed. Where a folder and a zip have one name, the zip keeps its ending. Raises UserError where
    `folder` is none, or holds no submission.
    """
    if not os.path.isdir(folder):
        raise UserError(f"{folder} is not a folder; give the folder that holds a folder or zip for each student")
    folders, zips, others = [], [], []
    for entry in sorted(os.scandir(folder), key=lambda entry: entry.name):
        if entry.name in PASSED_OVER or entry.name.startswith("."):
            continue
        if entry.is_dir(follow_symlinks=False):
            folders.append(entry)
        elif entry.is_file(follow_symlinks=False) and entry.name.lower().endswith(".zip"):
            zips.append(entry)
        else:
            others.append(entry.name)
    taken = {entry.name for entry in folders}
    found = [Submission(entry.name, entry.path) for entry in folders]
    for entry in zips:
        stem = entry.name[: -len(".zip")]
        student = stem if stem and stem not in taken else entry.name
        taken.add(student)
        found.append(Submission(student, entry.path))
    if not found:
        raise UserError(f"{folder} holds neither folders nor zips; give the folder that holds one for each student")
    return sorted(found), others


@contextlib.contextmanager
def unpacked(submission: Submission) -> Iterator[str]:
    """Yields the path of a folder with the submission's files; that of a zip is temporary.

    Raises UserError where a zip cannot be unpacked within bounds.
    """
    if os.path.isdir(submission.path):
        yield submission.path
        return
    with tempfile.TemporaryDirectory() as folder:
        _unpack(submission.path, folder)
        yield folder


def _unpack(path: str, folder: str) -> None:
    """Unpacks regular files alone, and nothing outside of the folder, as ZipFile.extract sees to."""
    try:
        with zipfile.ZipFile(path) as archive:
            members = [member for member in archive.infolist() if not member.is_dir() and not _is_link(member)]
            if len(members) > MOST_ENTRIES:
                raise UserError(f"{path} holds {len(members)} files, at most {MOST_ENTRIES} are unpacked")
            left = MOST_BYTES
            for member in members:
                # The size in the zip's directory bounds what is written: extraction stops there.
                left -= member.file_size
                if left < 0:
                    raise UserError(f"{path} unpacks to more than {MOST_BYTES / 1e9:g} GB; zip the model alone")
                archive.extract(member, folder)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, ValueError, zipfile.LargeZipFile) as error:
        raise UserError(f"{path} cannot be unpacked: {error}; zip it again") from error
    except Exception as error:
        # zlib, lzma and bz2 report damage by exceptions of their own.
        if isinstance(error, UserError | OSError):
            raise
        raise UserError(f"{path} cannot be unpacked: {error}; zip it again") from error


def _is_link(member: zipfile.ZipInfo) -> bool:
    return stat.S_ISLNK(member.external_attr >> 16)


def submission_digest(submission: Submission) -> str:
    """The SHA-256 of the names and contents of all that was handed in; of links and pipes, of the names alone."""
    digest = hashlib.sha256()
    if os.path.isfile(submission.path):
        _add_file(digest, submission.path)
    for folder, names, files in os.walk(submission.path):
        names.sort()
        for name in sorted([*files, *names]):
            path = os.path.join(folder, name)
            digest.update(os.path.relpath(path, submission.path).encode(errors="surrogateescape") + b"\0")
            if stat.S_ISREG(os.lstat(path).st_mode):
                _add_file(digest, path)
    return digest.hexdigest()


def _add_file(digest: hashlib._Hash, path: str) -> None:
    with open(path, "rb") as file:
        while part := file.read(BYTES_PER_READ):
            digest.update(part)
