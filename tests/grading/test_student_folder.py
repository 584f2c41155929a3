import errno
import os
import stat
import struct
import tarfile
import tempfile
import zipfile

import pytest

from grading.course import Person
from grading.student_folder import student_folder
from grading.submissions import Source, Submission
from support.user_error import MachineError, UserError
from tests.grading.packing import submission_of, tarred, zip_bytes, zipped

MODEL = {
    "checkpoint": b'model_checkpoint_path: "my_model"\nall_model_checkpoint_paths: "my_model"\n',
    "my_model.data-00000-of-00001": b"data",
    "my_model.index": b"index",
    "my_model.meta": b"graph",
}
DAMAGES = [lambda contents: b"no archive", lambda contents: contents[:40], lambda contents: b""]


def below(folder_name):
    return {f"{folder_name}/{name}": contents for name, contents in MODEL.items()}


def files_of(submission):
    """The contents of the student's files by name, and the notes."""
    with student_folder(submission) as found:
        paths = [os.path.join(place, name) for place, _, names in os.walk(found.path) for name in names]
        contents = {}
        for path in paths:
            with open(path, "rb") as file:
                contents[os.path.relpath(path, found.path)] = file.read()
        return contents, found.notes


def refused(submission, message):
    with pytest.raises(UserError, match=message), student_folder(submission):
        pass


def test_a_zip_is_unpacked_to_a_temporary_folder(tmp_path):
    submission = zipped(tmp_path / "ada.zip", {"PA4/my_model.meta": b"graph", "empty/": b"", "PA4\\windows.txt": b"x"})
    with student_folder(submission) as found, open(os.path.join(found.path, "PA4", "my_model.meta"), "rb") as file:
        assert file.read() == b"graph" and os.path.exists(os.path.join(found.path, "PA4", "windows.txt"))
    assert not os.path.exists(found.path)


@pytest.mark.parametrize(
    "ending, mode", [("tar", "w"), ("tar.gz", "w:gz"), ("tgz", "w:gz"), ("TAR.BZ2", "w:bz2"), ("zip", "w:xz")]
)
def test_a_tar_is_unpacked_whatever_its_ending(ending, mode, tmp_path):
    assert files_of(tarred(tmp_path / f"ada.{ending}", MODEL, mode)) == (MODEL, ())


def test_files_that_a_platform_separated_are_put_together(tmp_path):
    for name, contents in MODEL.items():
        (tmp_path / f"ada_12_34_{name}").write_bytes(contents)
    sources = tuple(Source(str(tmp_path / f"ada_12_34_{name}"), name) for name in MODEL)
    assert files_of(Submission("ada", Person("ada"), sources)) == (MODEL, ())


def test_the_parts_of_one_download_are_put_together(tmp_path):
    parts = [{name: MODEL[name]} for name in MODEL]
    sources = [zipped(tmp_path / f"{number}.zip", part).sources[0] for number, part in enumerate(parts)]
    assert files_of(Submission("ada", Person("ada"), tuple(sources))) == (MODEL, ())


def test_a_folder_with_a_model_is_used_as_it_is(tmp_path):
    for name, contents in MODEL.items():
        (tmp_path / name).write_bytes(contents)
    (tmp_path / "old.zip").write_bytes(zip_bytes(MODEL))
    with student_folder(submission_of(tmp_path)) as found:
        assert (found.path, found.notes) == (str(tmp_path), ())


def test_the_archive_with_a_model_is_opened_among_others(tmp_path):
    (tmp_path / "code.zip").write_bytes(zip_bytes({"train.py": b""}))
    (tmp_path / "broken.zip").write_bytes(b"no zip")
    (tmp_path / "hand-in").mkdir()
    (tmp_path / "hand-in" / "PA4.zip").write_bytes(zip_bytes(below("model")))
    contents, notes = files_of(submission_of(tmp_path))
    assert contents == below("model") and notes == ("the model is in the archive hand-in/PA4.zip",)


def test_an_archive_in_an_archive_is_opened(tmp_path):
    inner = {"PA4.zip": zip_bytes({"my_model.zip": zip_bytes(MODEL)}), "report.pdf": b""}
    contents, notes = files_of(zipped(tmp_path / "ada.zip", inner))
    assert contents == MODEL and notes == ("the model is in the archive PA4.zip/my_model.zip",)


def test_of_two_archives_with_a_model_none_is_taken(tmp_path):
    for name in ("first.zip", "second.zip"):
        (tmp_path / name).write_bytes(zip_bytes(MODEL))
    refused(submission_of(tmp_path), "there are 2 models, in first.zip, second.zip; hand in one")


def test_without_a_model_a_damaged_archive_is_the_reason(tmp_path):
    (tmp_path / "PA4.zip").write_bytes(b"no zip")
    refused(submission_of(tmp_path), "^PA4.zip cannot be unpacked: ")


def test_archives_without_a_model_are_not_said_to_need_unpacking(tmp_path):
    (tmp_path / "code.zip").write_bytes(zip_bytes({"train.py": b""}))
    assert files_of(submission_of(tmp_path)) == ({"train.py": b""}, ())
    (tmp_path / "data.zip").write_bytes(zip_bytes({"a.csv": b""}))
    refused(submission_of(tmp_path), "no saved model found, also not in code.zip, data.zip; hand in")


def test_a_rar_says_what_to_do(tmp_path):
    (tmp_path / "ada.zip").write_bytes(b"Rar!\x1a\x07\x01\x00" + bytes(100))
    refused(
        submission_of(tmp_path / "ada.zip"), "is a RAR archive, which cannot be opened; unpack it and zip its contents"
    )


@pytest.mark.promise("Unpacking a submission writes only to a temporary folder, and at most 2 GB")
@pytest.mark.parametrize("name", ["../escaped", "/tmp/escaped_from_a_test", "a/../../escaped", "..\\escaped"])
@pytest.mark.parametrize("pack", [zipped, tarred])
def test_nothing_is_written_outside_the_temporary_folder(pack, name, tmp_path):
    (tmp_path / "in").mkdir()
    contents, _ = files_of(pack(tmp_path / "in" / "ada.zip", {name: b"x"}))
    assert list(contents.values()) == [b"x"]
    assert not os.path.lexists("/tmp/escaped_from_a_test")
    assert [path.name for path in tmp_path.rglob("*")] == ["in", "ada.zip"]


@pytest.mark.promise("Unpacking a submission writes only to a temporary folder, and at most 2 GB")
def test_links_and_devices_in_archives_are_skipped(tmp_path):
    link = zipfile.ZipInfo("link")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "ada.zip", "w") as archive:
        archive.writestr(link, "/etc/passwd")
    assert files_of(submission_of(tmp_path / "ada.zip")) == ({}, ())
    special = {}
    for name, kind in (
        ("link", tarfile.SYMTYPE),
        ("hard", tarfile.LNKTYPE),
        ("pipe", tarfile.FIFOTYPE),
        ("d", tarfile.CHRTYPE),
    ):
        special[name] = tarfile.TarInfo(name)
        special[name].type, special[name].linkname = kind, "/etc/passwd"
    assert files_of(tarred(tmp_path / "bo.tgz", special)) == ({}, ())


@pytest.mark.promise("Unpacking a submission writes only to a temporary folder, and at most 2 GB")
def test_a_zip_that_declares_more_than_2_gb_is_rejected(tmp_path):
    submission = zipped(tmp_path / "ada.zip", {"a": b"12"})
    contents = bytearray((tmp_path / "ada.zip").read_bytes())
    # The uncompressed size in the zip's directory.
    struct.pack_into("<I", contents, contents.index(b"PK\1\2") + 24, 2_000_000_001)
    (tmp_path / "ada.zip").write_bytes(contents)
    refused(submission, "unpacks to more than 2 GB; hand in only the model")


@pytest.mark.promise("Unpacking a submission writes only to a temporary folder, and at most 2 GB")
def test_a_tar_that_declares_more_than_2_gb_is_rejected(tmp_path):
    member = tarfile.TarInfo("a")
    member.size = 2_000_000_001
    (tmp_path / "ada.tar").write_bytes(member.tobuf() + bytes(10_240))
    refused(submission_of(tmp_path / "ada.tar"), "unpacks to more than 2 GB; hand in only the model")


@pytest.mark.promise("Unpacking a submission writes only to a temporary folder, and at most 2 GB")
def test_all_archives_of_a_student_share_the_limit(tmp_path, monkeypatch):
    monkeypatch.setattr("grading.student_folder.MOST_BYTES", 1000)
    for number in range(3):
        (tmp_path / f"{number}.zip").write_bytes(zip_bytes({"a": bytes(400)}))
    refused(submission_of(tmp_path), "2.zip unpacks to more than")


@pytest.mark.promise("Unpacking a submission writes only to a temporary folder, and at most 2 GB")
def test_a_zip_unpacks_to_no_more_than_it_declares(tmp_path):
    submission = zipped(tmp_path / "ada.zip", {"a": bytes(1_000_000)})
    contents = bytearray((tmp_path / "ada.zip").read_bytes())
    struct.pack_into("<I", contents, contents.index(b"PK\1\2") + 24, 10)
    (tmp_path / "ada.zip").write_bytes(contents)
    refused(submission, "cannot be unpacked")


def test_a_zip_with_more_than_10000_files_is_rejected(tmp_path):
    submission = zipped(tmp_path / "ada.zip", {str(number): b"" for number in range(10_001)})
    refused(submission, "has more than 10000 files; hand in only the model")


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("pack", [zipped, tarred])
def test_a_damaged_archive_is_rejected(pack, damage, tmp_path):
    submission = pack(tmp_path / "ada.zip", {"a": b"contents" * 20})
    (tmp_path / "ada.zip").write_bytes(damage((tmp_path / "ada.zip").read_bytes()))
    refused(submission, "cannot be unpacked")


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EMFILE, errno.ENOMEM])
def test_a_machine_without_room_is_to_blame_and_not_the_student(number, tmp_path, monkeypatch):
    submission = zipped(tmp_path / "ada.zip", MODEL)

    def fail(self, *arguments):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(zipfile.ZipFile, "extract", fail)
    with pytest.raises(MachineError, match=os.strerror(number)), student_folder(submission):
        pass


def test_no_place_for_temporary_files_is_the_machines_fault(tmp_path, monkeypatch):
    submission = zipped(tmp_path / "ada.zip", MODEL)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "missing"))
    with pytest.raises(MachineError, match="set TMPDIR"), student_folder(submission):
        pass
