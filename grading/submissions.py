"""Finds the students and their files in a folder or zip that a learning platform or a shared drive gives."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import stat
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from grading.archives import Budget, is_archive, member_names, stem_of, unpack
from grading.course import Person
from grading.platform_names import NamedFile, parse_names, person_of, without_numbers
from support.machine_errors import machine_errors
from support.user_error import MachineError, UserError

MOST_COURSE_BYTES = 20_000_000_000
MOST_COURSE_FILES = 200_000
BYTES_PER_READ = 1 << 20
# Made by archivers, systems and platforms.
IGNORED_NAMES = {
    "__MACOSX",
    "Thumbs.db",
    "desktop.ini",
    "index.html",
    "submission_metadata.yml",
    "grades.csv",
    "grades.xls",
}
# Google Drive splits a large folder: NAME-20200420T215959Z-001.zip, NAME-20200420T215959Z-002.zip and so on.
_DRIVE_PART = re.compile(r"(?P<name>.+)-\d{8}T\d{6}Z(?:-\d+)?-\d{3}\.zip", re.IGNORECASE)
GIVE_SUBMISSIONS = "give the folder with one folder or archive per student"


@dataclass(frozen=True)
class Source:
    """A part of what a student handed in."""

    path: str  # of a file or folder
    place: str  # name of the file in the student's folder; "" if the path is a folder or archive of the student's files


@dataclass(frozen=True)
class Submission:
    """What one student handed in."""

    student: str  # unique among the submissions; bytes that are not UTF-8 are escaped
    person: Person
    sources: tuple[Source, ...]
    notes: tuple[str, ...] = ()  # one line each


@contextlib.contextmanager
def opened_course(path: str) -> Iterator[str]:
    """Yields the folder of the submissions: `path`, or a temporary folder if it is a zip of all submissions.

    The same if all that the folder contains is such a zip, or the parts of one download from Google Drive. Raises
    UserError if `path` is neither a folder nor a zip; MachineError if it cannot be unpacked here.
    """
    if os.path.isfile(path) and is_archive(path):
        archives = [path]
    elif os.path.isdir(path):
        archives = _only_download(path)
    else:
        raise UserError(f"{path} is not a folder; {GIVE_SUBMISSIONS}")
    if not archives:
        yield path
        return
    with temporary_folder() as folder:
        budget = Budget(MOST_COURSE_FILES, MOST_COURSE_BYTES)
        for archive in archives:
            with machine_errors():
                unpack(archive, folder, budget)
        yield _below_wrappers(folder)


def find_submissions(folder: str) -> tuple[list[Submission], list[str]]:
    """Returns the submissions in a folder, sorted by student, and the names of what belongs to no student.

    A student is a folder, an archive, the parts of an archive that Google Drive split, or all files and folders to
    which a platform gave the same student's name. Hidden files are ignored. Links are not followed and belong to
    nobody. Raises UserError if the folder has no submissions.
    """
    entries = _entries(folder)
    named = parse_names(entries, [name for name, entry in entries.items() if entry.is_dir(follow_symlinks=False)])
    groups: dict[tuple[str, ...], list[str]] = {}
    others = []
    for name, entry in entries.items():
        is_folder = entry.is_dir(follow_symlinks=False)
        if name in named and (is_folder or entry.is_file(follow_symlinks=False)):
            person = named[name].person
            groups.setdefault(("person", person.name, person.identifier), []).append(name)
        elif is_folder:
            groups[("folder", name)] = [name]
        elif entry.is_file(follow_symlinks=False) and is_archive(name):
            groups.setdefault(("archive", _download_name(name)), []).append(name)
        else:
            others.append(_valid_unicode(name))
    found = [_submission(key, names, entries, named) for key, names in groups.items()]
    if not found:
        raise UserError(f"{folder} has no folders or archives; {GIVE_SUBMISSIONS}")
    return sorted(_uniquely_named(found), key=lambda one: one.student), others


def submission_digest(submission: Submission) -> str:
    """Returns the SHA-256 of all names and contents in a submission. For links and pipes only the name counts."""
    digest = hashlib.sha256()
    for source in submission.sources:
        digest.update(source.place.encode(errors="surrogateescape") + b"\0")
        if os.path.isfile(source.path):
            _add_file(digest, source.path)
        for folder, names, files in os.walk(source.path):
            names.sort()
            for name in sorted([*files, *names]):
                path = os.path.join(folder, name)
                digest.update(os.path.relpath(path, source.path).encode(errors="surrogateescape") + b"\0")
                if stat.S_ISREG(os.lstat(path).st_mode):
                    _add_file(digest, path)
    return digest.hexdigest()


@contextlib.contextmanager
def temporary_folder() -> Iterator[str]:
    """Yields a temporary folder, removed at the end. Raises MachineError if it cannot be made."""
    try:
        folder = tempfile.TemporaryDirectory()
    except OSError as error:
        reason = error.strerror or str(error)
        raise MachineError(f"no temporary folder can be made: {reason}; free some space or set TMPDIR") from error
    with folder as path:
        yield path


def _entries(folder: str) -> dict[str, os.DirEntry[str]]:
    """The entries of a folder by name, sorted, without hidden and ignored ones."""
    found = sorted(os.scandir(folder), key=lambda entry: entry.name)
    return {one.name: one for one in found if one.name not in IGNORED_NAMES and not one.name.startswith(".")}


def _only_download(folder: str) -> list[str]:
    """The paths of the archives in a folder if they are one download, of all submissions, and nothing else is there."""
    entries = _entries(folder)
    if not entries or len({_download_name(name) for name in entries}) > 1 or not all(map(is_archive, entries)):
        return []
    paths = [entry.path for entry in entries.values() if entry.is_file(follow_symlinks=False)]
    names = [name for path in paths for name in member_names(path)]
    return paths if len(paths) == len(entries) and _is_course(names) else []


def _is_course(members: list[str]) -> bool:
    """Whether these are the files of several students, and not of one.

    Then the outermost folder with more than one entry has names by a platform, or no model but at least two folders or
    archives with one.
    """
    paths = [name.split("/") for name in members if not IGNORED_NAMES.intersection(name.split("/"))]
    while paths and len({path[0] for path in paths}) == 1 and all(len(path) > 1 for path in paths):
        paths = [path[1:] for path in paths]
    first = {path[0] for path in paths}
    if parse_names(first, {path[0] for path in paths if len(path) > 1}):
        return True
    with_model = {path[0] for path in paths if path[-1].endswith(".meta") or is_archive(path[-1])}
    return len(with_model) > 1 and not any(len(path) == 1 and path[0].endswith(".meta") for path in paths)


def _below_wrappers(folder: str) -> str:
    """The folder itself or, while it contains nothing but one folder of no platform's name, that folder."""
    while len(entries := _entries(folder)) == 1:
        [(name, entry)] = entries.items()
        if not entry.is_dir(follow_symlinks=False) or parse_names([name], [name]):
            break
        folder = entry.path
    return folder


def _download_name(name: str) -> str:
    """The name of an archive, which the parts of one download from Google Drive have in common."""
    match = _DRIVE_PART.fullmatch(name)
    return f"{match['name']}\0{name[: name.rindex('-')]}" if match else name


def _submission(
    key: tuple[str, ...], names: list[str], entries: dict[str, os.DirEntry[str]], named: dict[str, NamedFile]
) -> Submission:
    """The submission of these entries; its `student` is not yet unique."""
    if key[0] == "person":
        return _platform_submission({name: named[name] for name in names}, entries)
    stem = names[0] if key[0] == "folder" else stem_of(key[1].split("\0")[0])
    person = person_of(_valid_unicode(stem or names[0]))
    return Submission(person.name, person, tuple(Source(entries[name].path, "") for name in names))


def _platform_submission(files: dict[str, NamedFile], entries: dict[str, os.DirEntry[str]]) -> Submission:
    """The latest attempt of a student whose files a platform named."""
    attempts = sorted({one.attempt for one in files.values()})
    latest = {name: one for name, one in files.items() if one.attempt == attempts[-1]}
    plain = without_numbers([one.file for one in latest.values()])
    sources = []
    for name, one in latest.items():
        is_whole = not one.file or (one.file.startswith(".") and is_archive(name))
        if one.file or entries[name].is_dir(follow_symlinks=False) or is_archive(name):
            sources.append(Source(entries[name].path, "" if is_whole else plain[one.file]))
    people = [one.person for one in latest.values()]
    person = replace(people[0], is_late=any(one.is_late for one in people))
    person = replace(person, name=_valid_unicode(person.name))
    notes = (f"earlier attempts are ignored: {', '.join(attempts[:-1])}",) if len(attempts) > 1 else ()
    return Submission(person.name, person, tuple(sources), notes)


def _uniquely_named(submissions: Iterable[Submission]) -> Iterator[Submission]:
    """Adds the identifier or the name in the download to names that several students have."""
    submissions = list(submissions)
    counts = Counter(one.student for one in submissions)
    taken: set[str] = set()
    for one in submissions:
        student = one.student
        if counts[student] > 1 and one.person.identifier:
            student = f"{student} ({one.person.identifier})"
        elif counts[student] > 1 and one.sources:
            student = _valid_unicode(os.path.basename(one.sources[0].path))
        while student in taken:  # Two names can become equal when escaped.
            student += "_"
        taken.add(student)
        yield replace(one, student=student)


def _valid_unicode(name: str) -> str:
    """Escapes the bytes of a file name that are not UTF-8, which Python represents as lone surrogates."""
    return name.encode("utf-8", "backslashreplace").decode("utf-8")


def _add_file(digest: hashlib._Hash, path: str) -> None:
    with open(path, "rb") as file:
        while part := file.read(BYTES_PER_READ):
            digest.update(part)
