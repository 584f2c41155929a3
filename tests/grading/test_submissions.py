import os
import stat
import struct
import sys
import zipfile

import pytest

from grading.submissions import Submission, find_submissions, submission_digest, unpacked
from support.user_error import UserError


def zipped(path, members):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, contents in members.items():
            archive.writestr(name, contents)
    return Submission(path.stem, str(path))


def test_folders_and_zips_are_submissions_and_other_files_are_listed(tmp_path):
    for name in ("noa", "ada", "__MACOSX", ".hidden"):
        (tmp_path / name).mkdir()
    for name in ("ada.zip", "Li, Bo.ZIP", "notes.txt"):
        (tmp_path / name).touch()
    (tmp_path / "link").symlink_to(tmp_path / "ada")
    found, others = find_submissions(str(tmp_path))
    assert [submission.student for submission in found] == ["Li, Bo", "ada", "ada.zip", "noa"]
    assert others == ["link", "notes.txt"]


@pytest.mark.skipif(sys.platform != "linux", reason="other systems allow only valid Unicode in names")
def test_a_name_that_is_not_utf_8_is_escaped_and_stays_unique(tmp_path):
    for name in (b"ad\xff", rb"ad\udcff"):
        os.mkdir(os.fsencode(tmp_path) + b"/" + name)
    found, _ = find_submissions(str(tmp_path))
    assert [submission.student for submission in found] == [r"ad\udcff", r"ad\udcff_"]
    assert len({submission.path for submission in found}) == 2


def test_a_folder_without_submissions_is_rejected(tmp_path):
    (tmp_path / "notes.txt").touch()
    with pytest.raises(UserError, match="has no folders or zips"):
        find_submissions(str(tmp_path))
    with pytest.raises(UserError, match="is not a folder"):
        find_submissions(str(tmp_path / "notes.txt"))


def test_a_zip_is_unpacked_to_a_temporary_folder(tmp_path):
    submission = zipped(tmp_path / "ada.zip", {"PA4/my_model.meta": b"graph", "empty/": b""})
    with unpacked(submission) as folder, open(os.path.join(folder, "PA4", "my_model.meta"), "rb") as file:
        assert file.read() == b"graph"
    assert not os.path.exists(folder)


@pytest.mark.promise("Unpacking a submission writes only to a temporary folder, and at most 2 GB")
@pytest.mark.parametrize("name", ["../escaped", "/tmp/escaped_from_a_test", "a/../../escaped"])
def test_nothing_is_written_outside_the_temporary_folder(name, tmp_path):
    (tmp_path / "in").mkdir()
    with unpacked(zipped(tmp_path / "in" / "ada.zip", {name: b"x"})) as folder:
        assert [files for _, _, files in os.walk(folder) if files]
    assert not os.path.lexists("/tmp/escaped_from_a_test")
    assert [path.name for path in tmp_path.rglob("*")] == ["in", "ada.zip"]


def test_a_link_in_a_zip_is_skipped(tmp_path):
    link = zipfile.ZipInfo("link")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "ada.zip", "w") as archive:
        archive.writestr(link, "/etc/passwd")
    with unpacked(Submission("ada", str(tmp_path / "ada.zip"))) as folder:
        assert os.listdir(folder) == []


@pytest.mark.promise("Unpacking a submission writes only to a temporary folder, and at most 2 GB")
def test_a_zip_that_declares_more_than_2_gb_is_rejected(tmp_path):
    submission = zipped(tmp_path / "ada.zip", {"a": b"12"})
    contents = bytearray((tmp_path / "ada.zip").read_bytes())
    # The uncompressed size in the zip's directory.
    struct.pack_into("<I", contents, contents.index(b"PK\1\2") + 24, 2_000_000_001)
    (tmp_path / "ada.zip").write_bytes(contents)
    with pytest.raises(UserError, match="unpacks to more than 2 GB; zip only the model"), unpacked(submission):
        pass


@pytest.mark.promise("Unpacking a submission writes only to a temporary folder, and at most 2 GB")
def test_a_zip_unpacks_to_no_more_than_it_declares(tmp_path):
    submission = zipped(tmp_path / "ada.zip", {"a": bytes(1_000_000)})
    contents = bytearray((tmp_path / "ada.zip").read_bytes())
    struct.pack_into("<I", contents, contents.index(b"PK\1\2") + 24, 10)
    (tmp_path / "ada.zip").write_bytes(contents)
    with pytest.raises(UserError, match="cannot be unpacked"), unpacked(submission):
        pass


def test_a_zip_with_more_than_10000_files_is_rejected(tmp_path):
    submission = zipped(tmp_path / "ada.zip", {str(number): b"" for number in range(10_001)})
    with pytest.raises(UserError, match="has 10001 files, more than 10000; zip only the model"), unpacked(submission):
        pass


@pytest.mark.parametrize("damage", [lambda contents: b"no zip", lambda contents: contents[:40], lambda contents: b""])
def test_a_damaged_zip_is_rejected(damage, tmp_path):
    submission = zipped(tmp_path / "ada.zip", {"a": b"contents" * 20})
    (tmp_path / "ada.zip").write_bytes(damage((tmp_path / "ada.zip").read_bytes()))
    with pytest.raises(UserError, match="cannot be unpacked"), unpacked(submission):
        pass


def test_the_digest_depends_only_on_names_and_contents(tmp_path):
    submission = Submission("ada", str(tmp_path / "ada"))
    (tmp_path / "ada" / "inner").mkdir(parents=True)
    digests = [submission_digest(submission)]
    for name, contents in (("a", b"1"), ("a", b"2"), ("inner/a", b"2"), ("b", b"2")):
        (tmp_path / "ada" / name).write_bytes(contents)
        digests.append(submission_digest(submission))
    os.utime(tmp_path / "ada" / "b", (1, 1))
    assert submission_digest(submission) == digests[-1] and len(set(digests)) == 5
    os.mkfifo(tmp_path / "ada" / "pipe")
    assert submission_digest(submission) not in digests
