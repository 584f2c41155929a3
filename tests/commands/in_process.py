"""Commands run in the tests' own process, as the shell would run them."""

import sys

import pytest


def run_command(command, arguments, monkeypatch, capfd):
    """Runs main() of a command's module with these arguments; returns what it printed, as capfd gives it."""
    monkeypatch.setattr(sys, "argv", [f"{command.__name__}.py", *map(str, arguments)])
    capfd.readouterr()
    command.main()
    return capfd.readouterr()


def run_refused_command(command, arguments, monkeypatch, capfd, folder):
    """The same of a command that must end with status 2 and leave the folder, a Path, as it was."""
    before = contents_of(folder)
    with pytest.raises(SystemExit) as stopped:
        run_command(command, arguments, monkeypatch, capfd)
    output = capfd.readouterr()
    assert stopped.value.code == 2
    assert contents_of(folder) == before
    return output


def contents_of(folder):
    """A dict from the path of everything in the folder to its bytes, None for folders."""
    return {path: path.read_bytes() if path.is_file() else None for path in folder.rglob("*")}
