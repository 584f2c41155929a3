import os
import sys

import pytest

from grading.course import Person
from grading.submissions import Source, Submission, find_submissions, opened_course, submission_digest
from support.user_error import UserError
from tests.grading.packing import zipped

FOUR = ("checkpoint", "my_model.data-00000-of-00001", "my_model.index", "my_model.meta")


def made(folder, names):
    """Empty files at these paths; a path that ends in / is a folder."""
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.mkdir() if name.endswith("/") else path.touch()
    return str(folder)


def places(found):
    """Where each student's files belong, by student."""
    return {one.student: sorted(source.place for source in one.sources) for one in found}


def test_folders_and_zips_are_submissions_and_other_files_are_listed(tmp_path):
    for name in ("noa", "ada", "__MACOSX", ".hidden"):
        (tmp_path / name).mkdir()
    for name in ("ada.zip", "Li, Bo.ZIP", "kim.tar.gz", "notes.txt", "old.rar"):
        (tmp_path / name).touch()
    (tmp_path / "link").symlink_to(tmp_path / "ada")
    found, others = find_submissions(str(tmp_path))
    assert [submission.student for submission in found] == ["Li, Bo", "ada", "ada.zip", "kim", "noa", "old"]
    assert others == ["link", "notes.txt"]


@pytest.mark.skipif(sys.platform != "linux", reason="other systems allow only valid Unicode in names")
def test_a_name_that_is_not_utf_8_is_escaped_and_stays_unique(tmp_path):
    for name in (b"ad\xff", rb"ad\udcff"):
        os.mkdir(os.fsencode(tmp_path) + b"/" + name)
    found, _ = find_submissions(str(tmp_path))
    assert [submission.student for submission in found] == [r"ad\udcff", r"ad\udcff_"]
    assert len({submission.sources for submission in found}) == 2


def test_a_folder_without_submissions_is_rejected(tmp_path):
    (tmp_path / "notes.txt").touch()
    with pytest.raises(UserError, match="has no folders or archives"):
        find_submissions(str(tmp_path))
    with pytest.raises(UserError, match="is not a folder"), opened_course(str(tmp_path / "notes.txt")):
        pass


PLATFORMS = {
    "Moodle, folders": (
        ["Ada Lovelace_12345_assignsubmission_file_/PA4.zip", "Bo Li_12346_assignsubmission_file_/checkpoint"],
        {"Ada Lovelace": ("12345", [""]), "Bo Li": ("12346", [""])},
    ),
    "Moodle, files": (
        [
            *(f"Ada Lovelace_12345_assignsubmission_file_{name}" for name in FOUR),
            "Bo Li_12346_assignsubmission_file_PA4.zip",
            "Bo Li_12346_assignsubmission_onlinetext_onlinetext.html",
        ],
        {"Ada Lovelace": ("12345", FOUR), "Bo Li": ("12346", ["PA4.zip", "onlinetext.html"])},
    ),
    "Canvas": (
        [
            *(f"lovelaceada_LATE_12345_678901_{name}" for name in FOUR),
            *(f"libo_12346_678902_{name}" for name in ("checkpoint-1", "my_model-1.meta", "my_model-1.index")),
            "libo_12346_678902_my_model-1.data-00000-of-00001",
        ],
        {"lovelaceada": ("12345", FOUR), "libo": ("12346", FOUR)},
    ),
    "Blackboard": (
        [
            *(f"PA4_ada_attempt_2020-04-20-23-59-59_{name}" for name in FOUR),
            "PA4_ada_attempt_2020-04-20-23-59-59.txt",
            "PA4_ada_attempt_2020-04-19-10-00-00_old.zip",
            "PA4_bo_li_attempt_2020-04-18-08-00-00_my_model.zip",
        ],
        {"ada": ("", FOUR), "bo_li": ("", ["my_model.zip"])},
    ),
    "Brightspace": (
        [
            "12345-678901 - Ada Lovelace - Apr 20, 2020 1159 PM/checkpoint",
            "12345-678901 - Ada Lovelace - Apr 20, 2020 904 AM/old.zip",
            "12346-678901 - Bo Li- Apr 2, 2020 11-59 PM - my_model.zip",
            "index.html",
        ],
        {"Ada Lovelace": ("12345-678901", [""]), "Bo Li": ("12346-678901", ["my_model.zip"])},
    ),
    "Sakai": (
        ["Lovelace, Ada(ada)/Submission attachment(s)/PA4.zip", "Li, Bo(bo7)/timestamp.txt", "grades.csv"],
        {"Lovelace, Ada": ("ada", [""]), "Li, Bo": ("bo7", [""])},
    ),
    "Google Drive": (
        ["ada-20200420T215959Z-001.zip", "ada-20200420T215959Z-002.zip", "bo.zip", "bo-20200420T215959Z-001.zip"],
        {"ada": ("", ["", ""]), "bo.zip": ("", [""]), "bo-20200420T215959Z-001.zip": ("", [""])},
    ),
}


@pytest.mark.parametrize("platform", PLATFORMS)
def test_files_are_grouped_by_the_student_in_a_platforms_names(platform, tmp_path):
    names, expected = PLATFORMS[platform]
    found, others = find_submissions(made(tmp_path, names))
    assert others == []
    assert {one.student: one.person.identifier for one in found} == {name: one for name, (one, _) in expected.items()}
    assert places(found) == {name: sorted(files) for name, (_, files) in expected.items()}


def test_late_work_is_marked_and_earlier_attempts_are_notes(tmp_path):
    names = [name for platform in ("Canvas", "Blackboard") for name in PLATFORMS[platform][0]]
    found, _ = find_submissions(made(tmp_path, [*names, "Hopper, Grace [late]/"]))
    by_student = {one.student: one for one in found}
    late = {student for student, one in by_student.items() if one.person.is_late}
    assert late == {"lovelaceada", "Hopper, Grace"}
    assert by_student["ada"].notes == ("earlier attempts are ignored: 2020-04-19-10-00-00",)


def test_students_of_the_same_name_get_their_identifiers(tmp_path):
    names = ["Ada Li_1_assignsubmission_file_/", "Ada Li_2_assignsubmission_file_/", "Ada Li/"]
    found, _ = find_submissions(made(tmp_path, names))
    assert [one.student for one in found] == ["Ada Li", "Ada Li (1)", "Ada Li (2)"]


def course_in(path):
    with opened_course(str(path)) as folder:
        return sorted(one.student for one in find_submissions(folder)[0])


@pytest.mark.parametrize("is_folder", [True, False])
def test_the_platforms_zip_is_opened(is_folder, tmp_path):
    names = [f"PA4/{student}/my_model.meta" for student in ("ada", "bo", "Li, Kim")]
    zipped(tmp_path / "download" / "submissions.zip", dict.fromkeys(names, b""))
    path = tmp_path / "download" if is_folder else tmp_path / "download" / "submissions.zip"
    assert course_in(path) == ["Li, Kim", "ada", "bo"]


def test_the_parts_of_a_course_that_google_drive_split_are_read_together(tmp_path):
    half = [f"PA4/{student}/my_model.meta" for student in ("ada", "bo")]
    rest = [f"PA4/{student}/my_model.index" for student in ("ada", "bo", "kim")]
    for number, names in ((1, half), (2, rest)):
        zipped(tmp_path / f"PA4-20200420T215959Z-00{number}.zip", dict.fromkeys(names, b""))
    assert course_in(tmp_path) == ["ada", "bo", "kim"]


@pytest.mark.parametrize("names", [["PA4/my_model.meta", "PA4/code/a.py"], ["my_model.meta", "b.zip"], ["PA4.py"]])
def test_a_single_students_zip_is_not_a_course(names, tmp_path):
    zipped(tmp_path / "ada.zip", dict.fromkeys(names, b""))
    assert course_in(tmp_path) == ["ada"]


def test_the_digest_depends_only_on_names_and_contents(tmp_path):
    submission = Submission("ada", Person("ada"), (Source(str(tmp_path / "ada"), ""),))
    (tmp_path / "ada" / "inner").mkdir(parents=True)
    digests = [submission_digest(submission)]
    for name, contents in (("a", b"1"), ("a", b"2"), ("inner/a", b"2"), ("b", b"2")):
        (tmp_path / "ada" / name).write_bytes(contents)
        digests.append(submission_digest(submission))
    os.utime(tmp_path / "ada" / "b", (1, 1))
    assert submission_digest(submission) == digests[-1] and len(set(digests)) == 5
    os.mkfifo(tmp_path / "ada" / "pipe")
    assert submission_digest(submission) not in digests
