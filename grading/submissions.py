"""Finds submissions in a folder, one folder or zip per student, and unpacks zips within limits."""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass

from support.user_error import UserError

MOST_UNPACKED_BYTES = 2_000_000_000
MOST_UNPACKED_FILES = 10_000
BYTES_PER_READ = 1 << 20
IGNORED_NAMES = {"__MACOSX"}


@dataclass(frozen=True)
class Submission:
    """What one student handed in."""

    student: str  # name of the folder or zip, without the ending; bytes that are not UTF-8 are escaped
    path: str  # of the folder or zip


def find_submissions(folder: str) -> tuple[list[Submission], list[str]]:
    """Returns the submissions in a folder, sorted by student, and the names of all other files in it.

    Hidden files are ignored. Links are not followed and count as other files. If a folder and a zip have the same name,
    the zip keeps its ending. Raises UserError if `folder` is not a folder or has no submissions.
    """
    if not os.path.isdir(folder):
        raise UserError(f"{folder} is not a folder; give the folder with one folder or zip per student")
    folders, zips, others = [], [], []
    for entry in sorted(os.scandir(folder), key=lambda entry: entry.name):
        if entry.name in IGNORED_NAMES or entry.name.startswith("."):
            continue
        if entry.is_dir(follow_symlinks=False):
            folders.append(entry)
        elif entry.is_file(follow_symlinks=False) and entry.name.lower().endswith(".zip"):
            zips.append(entry)
        else:
            others.append(entry.name)
    paths: dict[str, str] = {}
    for entry in [*folders, *zips]:
        name = _valid_unicode(entry.name)
        stem = name[: -len(".zip")] if entry in zips else name
        student = stem if stem and stem not in paths else name
        while student in paths:  # Two names can become equal when escaped.
            student += "_"
        paths[student] = entry.path
    if not paths:
        raise UserError(f"{folder} has no folders or zips; give the folder with one folder or zip per student")
    return [Submission(student, path) for student, path in sorted(paths.items())], others


def _valid_unicode(name: str) -> str:
    """Escapes the bytes of a file name that are not UTF-8, which Python represents as lone surrogates."""
    return name.encode("utf-8", "backslashreplace").decode("utf-8")


@contextlib.contextmanager
def unpacked(submission: Submission) -> Iterator[str]:
    """Yields the path of a folder with the submission's files. A zip is unpacked to a temporary folder.

    Raises UserError if a zip is damaged or exceeds the limits.
    """
    if os.path.isdir(submission.path):
        yield submission.path
        return
    with tempfile.TemporaryDirectory() as folder:
        _unpack(submission.path, folder)
        yield folder


def _unpack(path: str, folder: str) -> None:
    """Unpacks the regular files. ZipFile.extract writes nothing outside the folder."""
    try:
        with zipfile.ZipFile(path) as archive:
            members = [member for member in archive.infolist() if not member.is_dir() and not _is_link(member)]
            if len(members) > MOST_UNPACKED_FILES:
                raise UserError(f"{path} has {len(members)} files, more than {MOST_UNPACKED_FILES}; zip only the model")
            # Extraction stops at the size in the zip's directory, so the sizes bound what is written.
            if sum(member.file_size for member in members) > MOST_UNPACKED_BYTES:
                raise UserError(f"{path} unpacks to more than {MOST_UNPACKED_BYTES / 1e9:g} GB; zip only the model")
            for member in members:
                archive.extract(member, folder)
    except (UserError, OSError):
        raise
    except Exception as error:
        # zipfile, zlib, lzma and bz2 report damage with many different exceptions.
        raise UserError(f"{path} cannot be unpacked: {error}; zip it again") from error


def _is_link(member: zipfile.ZipInfo) -> bool:
    return stat.S_ISLNK(member.external_attr >> 16)


def submission_digest(submission: Submission) -> str:
    """Returns the SHA-256 of all names and contents in a submission. For links and pipes only the name counts."""
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
