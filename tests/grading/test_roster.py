import pytest

from grading.course import ListedPerson, Person
from grading.roster import join_roster, read_roster
from support.user_error import UserError

# Headers and lines as the platforms write them.
EXPORTS = {
    "Moodle's participants": (
        '"First name","Last name","ID number","Email address",Groups\n'
        "Ada,Lovelace,00421,ada@example.edu,\nJürgen,Müller,-,j.mueller@example.edu,A\n",
        [("Ada Lovelace", "00421"), ("Jürgen Müller", "j.mueller@example.edu")],
    ),
    "Moodle's grades": (
        'First name,Surname,ID number,Institution,Department,Email address,"Assignment: PA4 (Real)",Last downloaded\n'
        "Ada,Lovelace,421,,,ada@example.edu,-,1588000000\n",
        [("Ada Lovelace", "421")],
    ),
    "Moodle's grades in German": (
        "Vorname;Nachname;ID-Nummer;Institution;Abteilung;E-Mail-Adresse\nJürgen;Müller;421;;;j@example.edu\n",
        [("Jürgen Müller", "421")],
    ),
    "Moodle's grading worksheet": (
        "Identifier,Full name,Email address,Status,Grade,Maximum Grade,Grade can be changed\n"
        'Participant 12345,Ada Lovelace,ada@example.edu,"Submitted for grading, 2 days late",,100,Yes\n',
        [("Ada Lovelace", "12345")],
    ),
    "Moodle's grading worksheet in German": (
        "ID,Vollständiger Name,E-Mail-Adresse,Status,Bewertung\nTeilnehmer/in12345,Ada Lovelace,ada@example.edu,,\n",
        [("Ada Lovelace", "12345")],
    ),
    "Canvas": (
        "Student,ID,SIS User ID,SIS Login ID,Section,PA4 (8812)\n,,,,,Manual Posting\n    Points Possible,,,,,100.00\n"
        '"Lovelace, Ada",1001,s421,alovelace,"01 and 02",\n"Student, Test",99,,bbbc6740f0b946af,01,\n',
        [("Ada Lovelace", "s421")],
    ),
    "Blackboard": (
        '\ufeff"Last Name","First Name","Username","Student ID","Last Access","Availability","PA4 [Total Pts: 9] |66"\n'
        '"Lovelace","Ada","al421","B00421","2020-05-01 10:00:00","Yes",""\n',
        [("Ada Lovelace", "B00421")],
    ),
    "Blackboard for Excel": (
        '"Last Name"\t"First Name"\t"Username"\t"Student ID"\n"Lovelace"\t"Ada"\t"al421"\t"B00421"\n',
        [("Ada Lovelace", "B00421")],
    ),
    "Brightspace": (
        "OrgDefinedId,Username,Last Name,First Name,Email,PA4 Points Grade,End-of-Line Indicator\n"
        "#00421,#al421,Lovelace,Ada,ada@example.edu,,#\n",
        [("Ada Lovelace", "00421")],
    ),
    "Gradescope": (
        "First Name,Last Name,SID,Email,Role,Sections\nAda,Lovelace,421,ada@example.edu,Student,1\n"
        "Charles,Babbage,1,cb@example.edu,Instructor,\nMary,Somerville,2,ms@example.edu,TA,\n",
        [("Ada Lovelace", "421")],
    ),
    "Gradescope's scores": (
        "Name,SID,Email,Total Score,Max Points,Status\nAda Lovelace,421,ada@example.edu,,100.0,Missing\n",
        [("Ada Lovelace", "421")],
    ),
    "Google Classroom": (
        "Last Name,First Name,Email Address,PA4\nDate,,,2020-05-01\nPoints,,,100\nLovelace,Ada,ada@example.edu,\n",
        [("Ada Lovelace", "ada@example.edu")],
    ),
    "names and numbers": (
        "name,id\nAda Lovelace,421\n\nMary Somerville,422\n",
        [("Ada Lovelace", "421"), ("Mary Somerville", "422")],
    ),
    "names and mail addresses": (
        "sep=;\nName;Email\nLovelace, Ada;ada@example.edu\n",
        [("Ada Lovelace", "ada@example.edu")],
    ),
    "a German list": ("Name;Vorname;Matrikelnummer\nLovelace;Ada;421\n", [("Ada Lovelace", "421")]),
    "full and given names": (
        "Full name,First name,Last name\nAda King,Ada,\nMary S,,\n",
        [("Ada King", ""), ("Mary S", "")],
    ),
    "an unbalanced quote between other delimiters": (
        'id;name\n1;Ada,"Augusta Lovelace\n' + "2;Mary Somerville\n" * 9000,
        [('"Augusta Lovelace Ada', "1"), ("Mary Somerville", "2")],
    ),
    "names": ("Name\nAda Lovelace\nAda Lovelace\n", [("Ada Lovelace", "")]),
}


@pytest.fixture
def read(tmp_path):
    """Reads a roster with the given contents."""

    def read(contents, encoding="utf-8"):
        (tmp_path / "roster.csv").write_bytes(contents if isinstance(contents, bytes) else contents.encode(encoding))
        return read_roster(str(tmp_path / "roster.csv"))

    return read


@pytest.mark.parametrize("text, students", EXPORTS.values(), ids=EXPORTS)
def test_students_of_every_platform_are_read_in_order(read, text, students):
    assert [(entry.name, entry.identifier) for entry in read(text)] == students


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252", "latin-1"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_encodings_and_line_ends_of_all_systems_are_read(read, encoding, line_end):
    text = 'Vorname,Nachname\nJürgen,"Müller\nLüdenscheidt"\nZoë,Öst\n'.replace("\n", line_end)
    assert [entry.name for entry in read(text, encoding)] == ["Jürgen Müller Lüdenscheidt", "Zoë Öst"]


@pytest.mark.parametrize(
    "contents, message",
    [
        (b"", "its columns are none; add columns such as name and id"),
        (b"grade,comment\n1,good\n", "its columns are grade, comment; add"),
        (b"id;email\n1;a@example.edu\n", "its columns are id, email; add"),
        (b"name,id\n", "has no students"),
        (b"Student,ID\nPoints Possible,\n", "has no students"),
        (b"PK\x03\x04rest", "save the roster as CSV"),
        (b"\xff\xfea", "save the roster as CSV in UTF-8"),
        (b'name\n"' + b"x" * 200_000, "its columns are none"),
        (b"name\n" + b"Ada Lovelace\n" * 800_000, "larger than 10 MB"),
    ],
    ids=lambda part: str(part)[:20],
)
def test_other_files_are_errors_that_say_what_to_do(read, contents, message):
    with pytest.raises(UserError, match=message) as raised:
        read(contents)
    assert len(raised.value.messages) == 1 and "\n" not in str(raised.value)


ROSTER = (
    "Student,ID,SIS User ID,SIS Login ID,Email\n"
    '"Lovelace, Ada",1001,000421,al421,ada.king@example.edu\n'
    '"Müller, Jürgen",1002,422,jm422,\n'
    '"Brewster Murray Hopper, Grace",1003,423,gh423,\n'
    '"Łukasiewicz, Zoë",1004,424,zl424,\n'
    '"Schmidt, Anna",1005,425,as425,\n'
    '"Schmidt, Anna",1006,426,as426,\n'
)


@pytest.fixture
def joined(read):
    """Joins people, given as a dict of Person by submission, to ROSTER."""
    roster = read(ROSTER)
    return lambda people: join_roster(people, roster)


def submissions_of(listed):
    return {one.person.identifier: one.submission for one in listed if one.submission}


IDENTIFIERS = ["1001", "000421", "421", "al421", "AL421", "ada.king@example.edu", "ada.king"]


@pytest.mark.parametrize("identifier", IDENTIFIERS)
def test_any_identifier_user_name_or_mail_address_finds_a_student(joined, identifier):
    listed, warnings = joined({"s": Person("someone else", identifier)})
    assert submissions_of(listed) == {"000421": "s"} and warnings == []
    assert submissions_of(joined({"s": Person(identifier)})[0]) == {"000421": "s"}


NAMES = {
    "000421": ["Ada Lovelace", "Lovelace, Ada", "lovelaceada", "ada_lovelace", "ADA-LOVELACE", "Lovelace Ada"],
    "422": ["Jürgen Müller", "Ju\u0308rgen Mu\u0308ller", "mullerjurgen", "Mueller, Juergen", "müllerjürgen"],
    "423": ["brewstermurrayhoppergrace", "Grace Brewster Murray Hopper", "hopper_grace_brewster_murray"],
    "424": ["lukasiewiczzoe", "ŁUKASIEWICZ ZOË", "Zoe Lukasiewicz"],
}


@pytest.mark.parametrize("identifier, name", [(one, name) for one, names in NAMES.items() for name in names])
def test_names_are_found_in_any_order_case_and_spelling(joined, identifier, name):
    listed, warnings = joined({"s": Person(name)})
    assert submissions_of(listed) == {identifier: "s"} and warnings == []


@pytest.mark.parametrize("name", ["Ada", "Lovelace", "Ada Lovelaces", "adalovela", "", "?"])
def test_parts_of_names_find_nobody(joined, name):
    listed, warnings = joined({"s": Person(name, is_late=True)})
    assert listed[-1] == ListedPerson(Person(name, is_late=True), "s") and len(listed) == 7
    assert warnings == ["s matches nobody on the roster; assign it by hand"]


def test_the_order_is_the_roster_s_and_those_who_handed_in_nothing_are_listed(joined):
    people = {
        "x": Person("Nobody", "7"),
        "z": Person("Zoë Łukasiewicz", is_late=True),
        "a": Person("lovelaceada", "1001"),
    }
    listed, _ = joined(people)
    assert [(one.person.name, one.submission) for one in listed] == [
        ("Ada Lovelace", "a"),
        ("Jürgen Müller", None),
        ("Grace Brewster Murray Hopper", None),
        ("Zoë Łukasiewicz", "z"),
        ("Anna Schmidt", None),
        ("Anna Schmidt", None),
        ("Nobody", "x"),
    ]
    assert listed[3].person == Person("Zoë Łukasiewicz", "424", is_late=True)
    assert listed[6].person == Person("Nobody", "7")


def test_people_of_the_same_name_are_told_apart_by_their_identifiers_only(joined):
    listed, warnings = joined({"s": Person("Anna Schmidt"), "t": Person("schmidtanna", "1006")})
    assert submissions_of(listed[:6]) == {"426": "t"} and listed[-1].submission == "s"
    assert warnings == [
        "s matches several people on the roster: Anna Schmidt (425), Anna Schmidt (426); assign it by hand"
    ]


def test_an_identifier_and_a_name_of_different_people_are_not_guessed(joined):
    listed, warnings = joined({"s": Person("Ada Lovelace", "422")})
    assert listed[-1].submission == "s"
    assert warnings == [
        "s matches several people on the roster: Jürgen Müller (422), Ada Lovelace (000421); assign it by hand"
    ]


def test_several_submissions_of_one_student_are_all_listed_and_reported(joined):
    listed, warnings = joined({"b": Person("lovelaceada"), "a": Person("Ada Lovelace", "1001")})
    assert [one.submission for one in listed[:3]] == ["b", "a", None]
    assert warnings == ["Ada Lovelace has 2 submissions: b, a; choose one by hand"]
