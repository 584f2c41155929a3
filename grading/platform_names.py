"""Recognizes the names that learning platforms give to the files and folders in a download of submissions.

Moodle      Ada Lovelace_12345_assignsubmission_file_              a folder, or followed by the file's name
Canvas      lovelaceada_LATE_12345_678901_my_model.meta
Blackboard  PA4_alovelace_attempt_2020-04-20-23-59-59_my_model.meta, and a receipt that ends after the time
Brightspace 12345-678901 - Ada Lovelace - Apr 20, 2020 1159 PM     a folder, or followed by " - " and the file's name
Sakai       Lovelace, Ada(alovelace)                               a folder
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from grading.course import Person

_MOODLE = re.compile(r"(?P<name>.+)_(?P<id>\d+)_assignsubmission_(?:file|onlinetext)_?(?P<file>.*)", re.DOTALL)
_CANVAS = re.compile(r"(?P<name>.+?)(?P<late>_late)?_(?P<id>\d{2,})_\d{2,}_(?P<file>.+)", re.DOTALL | re.IGNORECASE)
_BLACKBOARD = re.compile(
    r"(?P<name>.+)_attempt_(?P<time>\d{4}(?:-\d\d){5})(?:_(?P<file>.+)|\.txt|)", re.DOTALL | re.IGNORECASE
)
_BRIGHTSPACE = re.compile(
    r"(?P<id>\d+-\d+) ?- ?(?P<name>.+?) ?- ?(?P<time>\w+ \d{1,2},? \d{4} \d{1,2}[-.: ]?\d\d ?[AP]M)"
    r"(?: ?- ?(?P<file>.+))?",
    re.DOTALL | re.IGNORECASE,
)
_SAKAI = re.compile(r"(?P<name>[^()]+, [^()]+)\((?P<id>[^()\s]+)\)")
_LATE = re.compile(r"\s*[\[(]late[\])]\s*$", re.IGNORECASE)
# Canvas numbers the files of a second submission: checkpoint-1, my_model-1.index and so on.
_NUMBERED = re.compile(r"(?P<stem>.+?)-(?P<number>\d+)(?P<ending>(?:\.(?:meta|index|data-\d{5}-of-\d{5}|zip))?)")


@dataclass(frozen=True)
class NamedFile:
    """What a platform's name says about a file or folder."""

    person: Person
    file: str  # the student's own name of the file; "" for a folder, and for what the platform itself adds
    attempt: str  # sorts attempts by time; "" if the platform does not name it


def parse_names(names: Iterable[str], folders: Iterable[str]) -> dict[str, NamedFile]:
    """What the names say, by name; names of no known form are missing.

    names: of files and folders. folders: those of them that are folders.
    """
    are_folders = set(folders)
    parsed = {name: found for name in names if (found := _parse(name, name in are_folders)) is not None}
    return _without_assignment(parsed)


def without_numbers(files: Iterable[str]) -> dict[str, str]:
    """A student's file names without the number that Canvas gives to a later submission, by their names there.

    Only if the file `checkpoint` has such a number: then it is the platform's and not a training step.
    """
    numbered = {name: match for name in files if (match := _NUMBERED.fullmatch(name))}
    numbers = {match["number"] for match in numbered.values() if match["stem"] == "checkpoint" and not match["ending"]}
    return {
        name: match["stem"] + match["ending"] if (match := numbered.get(name)) and match["number"] in numbers else name
        for name in files
    }


def person_of(name: str) -> Person:
    """The person by the name of a folder or archive of no platform, such as "Lovelace, Ada [late]"."""
    shown = _LATE.sub("", name)
    return Person(shown or name, is_late=shown != name)


def _parse(name: str, is_folder: bool) -> NamedFile | None:
    if match := _MOODLE.fullmatch(name):
        return NamedFile(_person(match), match["file"], "")
    if match := _BRIGHTSPACE.fullmatch(name):
        return NamedFile(_person(match), match["file"] or "", _sortable(match["time"]))
    if (match := _BLACKBOARD.fullmatch(name)) and not is_folder:
        return NamedFile(Person(match["name"]), match["file"] or "", match["time"])
    if (match := _CANVAS.fullmatch(name)) and not is_folder:
        return NamedFile(replace(_person(match), is_late=bool(match["late"])), match["file"], "")
    if (match := _SAKAI.fullmatch(name)) and is_folder and not _LATE.search(name):
        return NamedFile(_person(match), "", "")
    return None


def _person(match: re.Match[str]) -> Person:
    found = person_of(match["name"].strip())
    return replace(found, identifier=match["id"])


def _sortable(time: str) -> str:
    """Brightspace's "Apr 20, 2020 1159 PM" so that later times sort later; as it is if it is in another language."""
    digits = re.sub(r"[-.:, ]+", " ", time)
    digits = re.sub(r"(\d{1,2}) ?(\d\d) ?([AP]M)$", r"\1 \2 \3", digits, flags=re.IGNORECASE)
    for form in ("%b %d %Y %I %M %p", "%B %d %Y %I %M %p"):
        try:
            return datetime.strptime(digits, form).isoformat()
        except ValueError:
            continue
    return time


def _without_assignment(parsed: dict[str, NamedFile]) -> dict[str, NamedFile]:
    """Removes the assignment's name from Blackboard's names.

    It is what all names start with, up to an underscore. A single student's name is assumed to have no underscore.
    """
    titles = {name: found.person.name for name, found in parsed.items() if _BLACKBOARD.fullmatch(name)}
    shared = os.path.commonprefix(list(titles.values())) if len(set(titles.values())) > 1 else None
    for name, title in titles.items():
        start = (title if shared is None else shared).rfind("_") + 1
        parsed[name] = replace(parsed[name], person=person_of(title[start:] or title))
    return parsed
