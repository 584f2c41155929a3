import os

import pytest

from command_line.user_error import UserError
from files.destination import check_destination


@pytest.fixture
def source(tmp_path):
    (tmp_path / "source").write_text("source")
    return str(tmp_path / "source")


def test_a_new_file_or_folder_may_be_written(source, tmp_path, monkeypatch):
    check_destination(str(tmp_path / "new"), source, overwrite=False)
    check_destination(str(tmp_path / "new"), source, overwrite=False, is_folder=True)
    monkeypatch.chdir(tmp_path)
    check_destination("new", source, overwrite=False)


def test_an_old_one_is_replaced_only_if_asked(source, tmp_path):
    (tmp_path / "file").touch()
    (tmp_path / "folder").mkdir()
    for name, is_folder in (("file", False), ("folder", True)):
        with pytest.raises(UserError, match="exists; give another destination, or --overwrite to replace it"):
            check_destination(str(tmp_path / name), source, False, is_folder)
        check_destination(str(tmp_path / name), source, True, is_folder)


def test_the_source_is_never_replaced_whatever_its_name(source, tmp_path):
    os.symlink(source, tmp_path / "link")
    for path in (source, str(tmp_path / "link"), str(tmp_path / "." / "source")):
        with pytest.raises(UserError, match="is the source itself"):
            check_destination(path, source, overwrite=True)


def test_a_file_does_not_replace_a_folder_nor_a_folder_a_file(source, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="is a folder; give the name of a file"):
        check_destination(str(tmp_path), source, overwrite=True)
    with pytest.raises(UserError, match="is a file; give the name of a folder"):
        check_destination(str(tmp_path / "file"), source, overwrite=True, is_folder=True)


def test_refuses_places_that_cannot_be_written(source, tmp_path, monkeypatch):
    for path in (tmp_path / "nowhere" / "new", tmp_path / "source" / "new"):
        with pytest.raises(UserError, match="is not a folder; create it or choose another destination"):
            check_destination(str(path), source, overwrite=False)
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(UserError, match="cannot be written; choose another destination"):
        check_destination(str(tmp_path / "new"), source, overwrite=False)
