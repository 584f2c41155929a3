"""A course's roster, as learning platforms export it: who is enrolled, and which submission is whose."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from grading.course import ListedPerson, Person
from grading.person_names import letters_of, rotations, spellings
from support.user_error import UserError

MOST_BYTES = 10_000_000
ENCODINGS = ("utf-8-sig", "cp1252", "latin-1")
DELIMITERS = ",;\t"
MOST_LINES_BEFORE_HEADER = 10
# Names of columns in small letters, without spaces and punctuation.
FULL_NAMES = ("name", "fullname", "student", "studentname", "vollständigername", "displayname")
GIVEN_NAMES = ("firstname", "givenname", "forename", "vorname", "first", "given")
FAMILY_NAMES = ("lastname", "surname", "familyname", "nachname", "familienname", "last", "family")
# The first that has a value is shown.
IDENTIFIERS = (
    *("idnumber", "idnummer", "matrikelnummer", "matrikelnr", "matriculationnumber", "studentid", "studentnumber"),
    *("sid", "sisuserid", "orgdefinedid", "universityid", "id", "identifier", "uid", "userid", "netid"),
    *("username", "benutzername", "anmeldename", "login", "loginid", "sisloginid"),
)
MAIL_ADDRESSES = ("emailaddress", "email", "emailadresse", "mail", "primaryemail")
ROLES = ("role", "roles", "rolle", "rollen")
STAFF = ("instructor", "teacher", "ta", "teachingassistant", "reader", "designer", "observer")
# Canvas and Google Classroom write these in the columns of names.
NO_STUDENTS = ("pointspossible", "teststudent", "date", "points", "classaverage")
# Moodle writes "Participant 123" or "Teilnehmer/in123".
PARTICIPANT = re.compile(r"(?:particip|teilnehm)\D*(\d+)", re.IGNORECASE)


@dataclass(frozen=True)
class RosterEntry:
    """A student on the roster."""

    name: str  # the given name first, if the roster tells which it is
    identifier: str  # the first of IDENTIFIERS, or the mail address; "" if there is neither
    keys: frozenset[str]  # identifiers, user names, mail addresses and their mailboxes, as _key returns them
    spellings: frozenset[str]  # the name with any word first, as `spellings` returns it


def read_roster(path: str) -> list[RosterEntry]:
    """Reads the students in a CSV file, in its order; staff and equal rows are left out.

    The columns are found by their names in the exports of Moodle (participants, grades and grading worksheets; also in
    German), Canvas, Blackboard, Brightspace, Gradescope and Google Classroom, or "name" with "id" or "email". Commas,
    semicolons or tabs separate them; the encoding is UTF-8, UTF-16 with a byte order mark, or that of Windows. Raises
    UserError if the file has no columns of names or no students, OSError if it cannot be read.
    """
    header, lines = _table(path, _text(path))
    entries = dict.fromkeys(filter(None, (_entry(header, line) for line in lines)))
    if not entries:
        raise UserError(f"{path} has no students; export the roster again")
    return list(entries)


def join_roster(people: Mapping[str, Person], roster: Sequence[RosterEntry]) -> tuple[list[ListedPerson], list[str]]:
    """Joins submissions to the roster: returns a list of people to show, and warnings, one line each.

    The list has everybody on the roster, in its order and with its names, then the submissions of nobody on it. A
    student with several submissions is listed once for each. A submission belongs to the only student with its
    identifier, or with its name as a name or user name. If there are several such students, or if the identifier is one
    student's and the name another's, the submission belongs to nobody. The warnings are about these submissions, and
    those of the same student. people: Person by Grade.student.
    """
    submissions: dict[RosterEntry, list[str]] = {entry: [] for entry in roster}
    others, warnings = [], []
    for submission, person in people.items():
        found = _entries_of(person, roster)
        if len(found) == 1:
            submissions[found[0]].append(submission)
            continue
        others.append(ListedPerson(person, submission))
        candidates = ", ".join(f"{entry.name} ({entry.identifier})" for entry in found)
        problem = f"matches several people on the roster: {candidates}" if found else "matches nobody on the roster"
        warnings.append(f"{submission} {problem}; assign it by hand")
    listed = []
    for entry, names in submissions.items():
        listed += [ListedPerson(_listed(entry, people[name]), name) for name in names]
        if not names:
            listed.append(ListedPerson(Person(entry.name, entry.identifier), None))
        elif len(names) > 1:
            warnings.append(f"{entry.name} has {len(names)} submissions: {', '.join(names)}; choose one by hand")
    return [*listed, *others], warnings


def _listed(entry: RosterEntry, person: Person) -> Person:
    return replace(person, name=entry.name, identifier=entry.identifier or person.identifier)


def _entries_of(person: Person, roster: Sequence[RosterEntry]) -> list[RosterEntry]:
    """Returns the students whose submission it can be: one if that is certain."""
    identifier, key, spelled = _key(person.identifier), _key(person.name), spellings(person.name)
    by_identifier = [entry for entry in roster if identifier in entry.keys]
    by_name = [entry for entry in roster if key in entry.keys or not spelled.isdisjoint(entry.spellings)]
    if by_identifier and by_name:
        return [entry for entry in by_identifier if entry in by_name] or [*by_identifier, *by_name]
    return by_identifier or by_name


def _text(path: str) -> str:
    """Returns the decoded contents of a file. Raises UserError if it is too large or a workbook, OSError."""
    with open(path, "rb") as file:
        contents = file.read(MOST_BYTES + 1)
    if len(contents) > MOST_BYTES:
        raise UserError(f"{path} is larger than {MOST_BYTES / 1e6:g} MB; give the roster as a CSV file")
    if contents.startswith((b"PK", b"\xd0\xcf\x11\xe0", b"%PDF")):
        raise UserError(f"{path} is not a CSV file; save the roster as CSV")
    encodings = ("utf-16",) if contents.startswith((b"\xff\xfe", b"\xfe\xff")) else ENCODINGS
    for encoding in encodings:
        try:
            return contents.decode(encoding)
        except UnicodeDecodeError:
            pass
    raise UserError(f"{path} is not text in UTF-8 or UTF-16; save the roster as CSV in UTF-8")


def _table(path: str, text: str) -> tuple[list[str], list[list[str]]]:
    """Returns the simplified names of the columns and the lines below them. Raises UserError if no column is a name."""
    known = {*FULL_NAMES, *GIVEN_NAMES, *FAMILY_NAMES, *IDENTIFIERS, *MAIL_ADDRESSES}
    names = {*FULL_NAMES, *GIVEN_NAMES, *FAMILY_NAMES}
    best: list[str] = []
    lines: list[list[str]] = []
    columns: list[str] = []
    for delimiter in DELIMITERS:
        try:
            table = [line for line in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter) if any(line)]
        except csv.Error:
            continue  # Quotes can be unbalanced with the wrong delimiter.
        if table and len(table[0]) > len(columns):
            columns = table[0]
        for number, line in enumerate(table[:MOST_LINES_BEFORE_HEADER]):
            header = [letters_of(cell) for cell in line]
            if not names.isdisjoint(header) and len(known.intersection(header)) > len(known.intersection(best)):
                best, lines = header, table[number + 1 :]
    if not best:
        found = ", ".join(cell.strip() for cell in columns) or "none"
        raise UserError(f"{path} has no column of names; its columns are {found}; add columns such as name and id")
    return best, lines


def _entry(header: Sequence[str], line: Sequence[str]) -> RosterEntry | None:
    """Returns the student in a line; None if it has none, such as a line of the maximum points."""
    cells: dict[str, str] = {}
    for column, cell in zip(header, line, strict=False):
        value = " ".join(cell.split()).removeprefix("#")  # Brightspace writes #123.
        if participant := PARTICIPANT.fullmatch(value):
            value = participant[1]
        if value and value != "-":
            cells.setdefault(column, value)
    identifiers = [*_values(cells, IDENTIFIERS), *_values(cells, MAIL_ADDRESSES)]
    identifier = identifiers[0] if identifiers else ""
    name = _name(cells) or identifier
    is_staff = any(letters_of(role) in STAFF for role in _values(cells, ROLES))
    if not name or is_staff or letters_of(name) in NO_STUDENTS:
        return None
    mailboxes = [value.partition("@")[0] for value in identifiers if "@" in value]
    keys = frozenset(map(_key, [*identifiers, *mailboxes]))
    spelled = (spellings("".join(words)) for words in rotations(name))
    return RosterEntry(name, identifier, keys, frozenset().union(*spelled))


def _name(cells: Mapping[str, str]) -> str:
    """Returns the name in a line, the given name first. German lists have columns "Name" and "Vorname"."""
    full, given, family = ("".join(_values(cells, names)[:1]) for names in (FULL_NAMES, GIVEN_NAMES, FAMILY_NAMES))
    if "," in full:
        full = " ".join(reversed(full.split(",", 1))).strip()
    if (given and family) or not full:
        return f"{given} {family}".strip()
    return full if letters_of(given or family) in letters_of(full) else f"{given or full} {family or full}"


def _values(cells: Mapping[str, str], columns: Sequence[str]) -> list[str]:
    return [cells[column] for column in columns if column in cells]


def _key(identifier: str) -> str:
    """Returns an identifier in small letters, and numbers without the zeros that spreadsheets remove."""
    key = identifier.strip().casefold()
    return key.lstrip("0") or "0" if key.isdecimal() else key
