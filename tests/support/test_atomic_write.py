import os

import pytest

from support.atomic_write import atomic_folder, atomic_write


def test_the_file_appears_at_the_end(tmp_path):
    path = tmp_path / "file"
    with atomic_write(path) as partial:
        with open(partial, "w") as file:
            file.write("all of it")
        assert not path.exists() and os.path.dirname(partial) == str(tmp_path)
    assert path.read_text() == "all of it"
    assert os.listdir(tmp_path) == ["file"]


@pytest.mark.promise("An output file appears under its name only when it is complete")
def test_an_older_file_is_replaced_only_at_the_end(tmp_path):
    path = tmp_path / "file"
    path.write_text("old")
    with atomic_write(path) as partial:
        with open(partial, "w") as file:
            file.write("new")
        assert path.read_text() == "old"
    assert path.read_text() == "new"


@pytest.mark.promise("An output file appears under its name only when it is complete")
@pytest.mark.parametrize("is_written", [False, True])
@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
def test_an_error_leaves_the_old_file_and_nothing_else(error, is_written, tmp_path):
    path = tmp_path / "file"
    path.write_text("old")
    with pytest.raises(error), atomic_write(path) as partial:
        if is_written:
            with open(partial, "w") as file:
                file.write("half of")
        raise error
    assert path.read_text() == "old" and os.listdir(tmp_path) == ["file"]


def test_paths_may_be_relative_to_the_working_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with atomic_write("file") as partial, open(partial, "w") as file:
        file.write("all of it")
    assert os.listdir(tmp_path) == ["file"]


def test_a_missing_folder_is_an_error(tmp_path):
    with pytest.raises(OSError), atomic_write(tmp_path / "nowhere" / "file") as partial, open(partial, "w"):
        pass
    assert os.listdir(tmp_path) == []


def write_folder(path, text):
    with atomic_folder(path) as partial, open(os.path.join(partial, "file"), "w") as file:
        file.write(text)


def test_a_folder_appears_whole_and_replaces_an_older_one(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for path, text in ((tmp_path / "folder", "first"), ("folder/", "second"), ("folder", "third")):
        write_folder(path, text)
        assert os.listdir(tmp_path) == ["folder"] and (tmp_path / "folder" / "file").read_text() == text


def test_an_error_leaves_the_old_folder(tmp_path):
    write_folder(tmp_path / "folder", "old")
    with pytest.raises(ValueError), atomic_folder(tmp_path / "folder"):
        raise ValueError
    assert os.listdir(tmp_path) == ["folder"] and (tmp_path / "folder" / "file").read_text() == "old"


@pytest.mark.promise("Partial files that a killed process left behind are removed by the next one")
def test_abandoned_partial_files_are_removed_unless_a_process_writes_them(tmp_path):
    (tmp_path / ".file.123.partial").write_text("abandoned")
    (tmp_path / ".file2.123.partial").write_text("of another file")
    with atomic_write(tmp_path / "file") as first:
        open(first, "w").close()
        os.rename(first, tmp_path / ".file.124.partial")  # as if another process wrote it
        with atomic_write(tmp_path / "file") as second, open(second, "w") as file:
            file.write("all of it")
        os.rename(tmp_path / ".file.124.partial", first)
    assert sorted(os.listdir(tmp_path)) == [".file2.123.partial", "file"]
