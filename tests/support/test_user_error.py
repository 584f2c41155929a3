import errno
import os
import pickle
import sys

import pytest

from support.user_error import UserError, reported_user_errors


def reported(capsys, error):
    """The exit status and standard error of a command that raises the error."""
    with pytest.raises(SystemExit) as stopped, reported_user_errors():
        raise error
    output = capsys.readouterr()
    assert output.out == ""
    return stopped.value.code, output.err


@pytest.mark.parametrize(
    "error, line",
    [
        (UserError("no such thing; make one"), "no such thing; make one"),
        (UserError("one\nline \r\n only\n"), "one line only"),
        (UserError("a\x1b[2J\u202eb\udcff\x00"), "a\\x1b[2J\\u202eb\\udcff\\x00"),
        (UserError("long" * 10000), "long" * 500),
        (MemoryError(), "out of memory; close other programs"),
        (RuntimeError("can't start new thread"), "out of memory; close other programs"),
        (FileNotFoundError(errno.ENOENT, "No such file", "a.h5"), "a.h5: No such file; check the path"),
        (PermissionError(errno.EACCES, "No", "a"), "a: No; choose a place where you may read and write"),
        (OSError(errno.ENOSPC, "Full"), "Full; free some disk space or choose another place"),
        (OSError(errno.EIO, "Broken"), "Broken; try again or choose another place"),
    ],
)
def test_an_error_is_one_line_with_status_2(error, line, capsys):
    assert reported(capsys, error) == (2, f"error: {line}\n")


def test_each_message_is_a_line(capsys):
    assert reported(capsys, UserError("one", "two\nlines")) == (2, "error: one\nerror: two lines\n")


def test_str_joins_the_messages():
    error = UserError("one; do this", "two; do that")
    assert error.messages == ("one; do this", "two; do that")
    assert str(error) == "one; do this; two; do that"
    assert str(UserError("one")) == "one" and UserError("one").messages == ("one",)
    assert pickle.loads(pickle.dumps(error)).messages == error.messages


def test_errors_of_the_operating_system_come_with_advice(tmp_path, capsys):
    (tmp_path / "file").touch()
    for call, advice in (
        (tmp_path.read_bytes, "give a file, not a folder"),
        (lambda: os.makedirs(tmp_path / "file" / "folder"), "choose a path whose parent is a folder"),
        ((tmp_path / "nothing").read_bytes, "check the path"),
    ):
        with pytest.raises(OSError) as refused:
            call()
        status, line = reported(capsys, refused.value)
        assert status == 2 and line.startswith(f"error: {tmp_path}") and line.endswith(f"{advice}\n")


def test_ctrl_c_is_one_line_with_status_130(capsys):
    assert reported(capsys, KeyboardInterrupt()) == (130, "stopped\n")


@pytest.mark.parametrize("error", [ValueError("a bug"), OSError("no number")])
def test_bugs_are_not_hidden(error):
    with pytest.raises(type(error)), reported_user_errors():
        raise error


def test_nothing_is_printed_without_an_error(capsys):
    with reported_user_errors():
        print("fine", file=sys.stdout)
    assert capsys.readouterr() == ("fine\n", "")
