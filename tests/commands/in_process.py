"""Runs commands in the test process, as a shell would."""

import sys

import pytest


def run_command(command, arguments, monkeypatch, capfd):
    """Runs main() of a command's module with these arguments; returns its output as capfd captures it."""
    monkeypatch.setattr(sys, "argv", [f"{command.__name__}.py", *map(str, arguments)])
    capfd.readouterr()
    command.main()
    return capfd.readouterr()


def run_refused_command(command, arguments, monkeypatch, capfd, folder):
    """The same for a command that must end with status 2 and leave the folder, a Path, unchanged."""
    before = contents_of(folder)
    with pytest.raises(SystemExit) as stopped:
        run_command(command, arguments, monkeypatch, capfd)
    output = capfd.readouterr()
    assert stopped.value.code == 2
    assert contents_of(folder) == before
    return output


def contents_of(folder):
    """Maps the path of each file below the folder to its bytes, and that of each folder to None."""
    return {path: path.read_bytes() if path.is_file() else None for path in folder.rglob("*")}
