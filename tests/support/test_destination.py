import errno
import os
import socket
import sys

import pytest

if sys.platform != "win32":
    import fcntl

from run.folder import claimed_folder
from support import destination
from support.atomic_write import atomic_write
from support.destination import check_destination, check_is_no_device, claimed_destination, make_folder
from support.user_error import UserError

needs_flock = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no flock")


@pytest.fixture
def source(tmp_path):
    (tmp_path / "source").write_text("source")
    return str(tmp_path / "source")


def test_a_new_file_or_folder_may_be_written(source, tmp_path, monkeypatch):
    check_destination(str(tmp_path / "new"), source, overwrite=False)
    check_destination(str(tmp_path / "new"), source, overwrite=False, is_folder=True)
    monkeypatch.chdir(tmp_path)
    check_destination("new", source, overwrite=False)


def test_an_existing_file_or_folder_is_replaced_only_with_overwrite(source, tmp_path):
    (tmp_path / "file").touch()
    (tmp_path / "folder").mkdir()
    for name, is_folder in (("file", False), ("folder", True)):
        with pytest.raises(UserError, match="exists; give another destination, or --overwrite to replace it"):
            check_destination(str(tmp_path / name), source, False, is_folder)
        check_destination(str(tmp_path / name), source, True, is_folder)


def test_the_source_is_never_replaced_under_any_name(source, tmp_path):
    os.symlink(source, tmp_path / "link")
    for path in (source, str(tmp_path / "link"), str(tmp_path / "." / "source")):
        with pytest.raises(UserError, match="is the source itself"):
            check_destination(path, source, overwrite=True)


def test_a_file_never_replaces_a_folder_nor_a_folder_a_file(source, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="is a folder; give the name of a file"):
        check_destination(str(tmp_path), source, overwrite=True)
    with pytest.raises(UserError, match="is a file; give the name of a folder"):
        check_destination(str(tmp_path / "file"), source, overwrite=True, is_folder=True)


def test_missing_and_read_only_folders_are_rejected(source, tmp_path, monkeypatch):
    for path in (tmp_path / "nowhere" / "new", tmp_path / "source" / "new"):
        with pytest.raises(UserError, match="is not a folder; create it or choose another destination"):
            check_destination(str(path), source, overwrite=False)
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(UserError, match="is not writable; choose another destination"):
        check_destination(str(tmp_path / "new"), source, overwrite=False)


def make_pipe(folder):
    if not hasattr(os, "mkfifo"):
        pytest.skip("this operating system has no named pipes")
    os.mkfifo(folder / "pipe")
    return folder / "pipe"


def make_socket(folder):
    if not hasattr(socket, "AF_UNIX"):
        pytest.skip("this operating system has no sockets in folders")
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(os.path.relpath(folder / "socket"))  # A socket's path may have 107 characters.
    return folder / "socket"


def make_link_to_a_device(folder):
    (folder / "link").symlink_to(os.devnull)
    return folder / "link"


@pytest.mark.parametrize("make", [lambda folder: os.devnull, make_link_to_a_device, make_pipe, make_socket])
def test_devices_pipes_and_sockets_are_never_replaced(make, source, tmp_path):
    path = make(tmp_path)
    for overwrite in (True, False):
        for is_folder in (True, False):
            with pytest.raises(UserError, match="is a device, a pipe or a socket; give the name of a file"):
                check_destination(path, source, overwrite, is_folder)
    with pytest.raises(UserError, match="is a device, a pipe or a socket"):
        check_is_no_device(path)
    assert os.path.exists(path) and not os.path.isfile(path)


def test_files_folders_and_missing_paths_are_no_devices(source, tmp_path):
    (tmp_path / "dangling").symlink_to(tmp_path / "nothing")
    for path in (source, str(tmp_path), tmp_path / "nothing", tmp_path / "no" / "such", tmp_path / "dangling"):
        check_is_no_device(path)


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="needs a file system that accepts no files")
def test_a_file_system_that_accepts_no_files_is_reported():
    with pytest.raises(UserError, match="no folder can be made at /proc/x/y; choose another place"):
        make_folder("/proc/x/y")
    with pytest.raises(UserError, match="/proc accepts no new files; choose another place"), atomic_write("/proc/x"):
        pass


def test_a_folder_is_made_with_its_parents(tmp_path):
    for _ in range(2):
        make_folder(tmp_path / "above" / "folder")
    assert (tmp_path / "above" / "folder").is_dir()


@pytest.mark.promise("Two commands never write to the same file at the same time")
def test_a_destination_is_claimed_once(source, tmp_path):
    new = str(tmp_path / "new")
    with claimed_destination(new, source, overwrite=False):
        for overwrite in (False, True):
            with (
                pytest.raises(UserError, match="another command is writing .*new; wait for it to end"),
                claimed_destination(new, source, overwrite),
            ):
                pass
        with claimed_destination(str(tmp_path / "other"), source, overwrite=False):
            pass
    assert os.listdir(tmp_path) == ["source"]


@pytest.mark.promise("Partial files that a killed process left behind are removed by the next one")
def test_the_claim_of_a_killed_process_is_void(source, tmp_path):
    (tmp_path / ".new.lock").touch()
    with claimed_destination(str(tmp_path / "new"), source, overwrite=False):
        pass
    assert os.listdir(tmp_path) == ["source"]


@needs_flock
def test_a_file_written_between_the_check_and_the_claim_is_not_replaced(source, tmp_path, monkeypatch):
    new = tmp_path / "new"
    flock = fcntl.flock
    monkeypatch.setattr(fcntl, "flock", lambda *arguments: (new.write_text("of another"), flock(*arguments)))
    with pytest.raises(UserError, match="exists; give another"), claimed_destination(str(new), source, False):
        pass
    assert sorted(os.listdir(tmp_path)) == ["new", "source"] and new.read_text() == "of another"


@pytest.fixture(params=["ENOLCK", "ENOSYS", "EOPNOTSUPP"])
def without_locks(request, monkeypatch):
    """A file system without locks, as NFS and Lustre are often mounted."""
    number = getattr(errno, request.param)

    def fail(*arguments):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "flock", fail)
    destination._warn_of_missing_locks.cache_clear()


@needs_flock
def test_on_a_file_system_without_locks_commands_write_with_one_warning(without_locks, source, tmp_path, capsys):
    with claimed_destination(str(tmp_path / "new"), source, overwrite=False):
        assert os.listdir(tmp_path) == ["source"]
    with claimed_folder(str(tmp_path / "run"), resume=False), atomic_write(tmp_path / "run" / "config.json") as partial:
        (tmp_path / partial).touch()
    assert sorted(os.listdir(tmp_path)) == ["run", "source"] and os.listdir(tmp_path / "run") == ["config.json"]
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith("warning: this file system has no locks")
