import os
import subprocess
import sys

import pytest

from tests.conftest import ROOT

COMMAND = """
import os, sys
from support.user_error import UserError, reported_user_errors
from tqdm import tqdm
with reported_user_errors():
    {}
"""
CLOSED = (
    "import os, sys; [os.close(number) for number in {}]; os.execv(sys.executable, [sys.executable, *sys.argv[1:]])"
)
only_posix = pytest.mark.skipif(os.name != "posix", reason="closes descriptors as a POSIX shell does")


def environment(**changes):
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    return {**kept, "PYTHONUTF8": "0", "PYTHONDONTWRITEBYTECODE": "1", **changes}


def finished(body, closed=(), **changes):
    """Runs a command whose main() is `body`, with these file descriptors closed."""
    arguments = [sys.executable, "-c", COMMAND.format(body)]
    if closed:
        arguments = [sys.executable, "-c", CLOSED.format(list(closed)), *arguments[1:]]
    return subprocess.run(arguments, capture_output=True, cwd=ROOT, env=environment(**changes))


@pytest.mark.parametrize(
    "encoding, expected",
    [("ascii", rb"2 px\xb2"), ("latin-1", b"2 px\xb2"), ("utf-8", "2 px²".encode()), ("ascii:replace", b"2 px?")],
)
def test_characters_that_the_encoding_lacks_are_escaped(encoding, expected):
    done = finished("print('2 px\\xb2')\n    tqdm.write('2 px\\xb2')", PYTHONIOENCODING=encoding)
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.split(os.linesep.encode()) == [expected, expected, b""]


def test_error_messages_are_escaped_too():
    done = finished("raise UserError('64×64 px')", PYTHONIOENCODING="ascii")
    assert (done.returncode, done.stdout, done.stderr.strip()) == (2, b"", rb"error: 64\xd764 px")


@pytest.mark.parametrize("command", ["train.py", "evaluate.py", "convert_pkl_to_h5.py"])
def test_the_help_of_a_command_fits_any_encoding(command):
    arguments = [sys.executable, ROOT / command, "--help"]
    done = subprocess.run(arguments, capture_output=True, env=environment(PYTHONIOENCODING="ascii"))
    assert (done.returncode, done.stderr) == (0, b"") and done.stdout.startswith(b"usage: ") and done.stdout.isascii()


@only_posix
@pytest.mark.parametrize("closed", [(2,), (1,), (1, 2), (0, 1, 2)])
def test_output_to_a_closed_stream_is_dropped(closed, tmp_path):
    """Libraries write to the descriptors themselves: a file that the command opens must not get their output."""
    body = f"""
    for _ in tqdm(range(2), disable=None): pass
    print("out", flush=True)
    print("err", file=sys.stderr)
    tqdm.write("out")
    file = open({str(tmp_path / "file")!r}, "w")
    for number in (1, 2): os.write(number, b"library")
    os.system("echo child >&2")
    file.write("whole")
    file.close()
    raise UserError("of the user")"""
    done = finished(body.strip(), closed, PYTHONIOENCODING="utf-8", PYTHONUNBUFFERED="1")
    assert done.returncode == 2
    assert (tmp_path / "file").read_text() == "whole"
    expected = b"out\nout\nlibrary", b"err\nlibrarychild\nerror: of the user\n"
    found = done.stdout, done.stderr
    assert [found[number - 1] for number in (1, 2)] == [b"" if n in closed else expected[n - 1] for n in (1, 2)]


def finished_unread(body, stream, **changes):
    """Runs a command while nobody reads `stream`, "stdout" or "stderr"; returns its status and the other output."""
    reader, writer = os.pipe()
    os.close(reader)
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, stream: writer}
    try:
        command = [sys.executable, "-c", COMMAND.format(body)]
        done = subprocess.run(command, cwd=ROOT, env=environment(**changes), text=True, **pipes)
    finally:
        os.close(writer)
    return done.returncode, done.stderr if stream == "stdout" else done.stdout


@only_posix
@pytest.mark.promise(
    "A command whose output is no longer read, for example because it is piped to `head`, finishes its work silently"
)
@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("printing", ["print('a')", "print('a' * 100_000, flush=True)", "tqdm.write('a'); print('b')"])
def test_a_command_whose_output_nobody_reads_finishes_its_work(printing, unbuffered, tmp_path):
    for ending, status in (("pass", 0), ("sys.exit(3)", 3)):
        body = f"{printing}; open({str(tmp_path / str(status))!r}, 'w'); print('end'); {ending}"
        assert finished_unread(body, "stdout", PYTHONUNBUFFERED=unbuffered) == (status, "")
    assert sorted(os.listdir(tmp_path)) == ["0", "3"]


@only_posix
def test_errors_that_nobody_reads_keep_their_status():
    body = "print('out', flush=True); print('a' * 100_000, file=sys.stderr); raise UserError('no')"
    assert finished_unread(body, "stderr") == (2, "out\n")


@only_posix
def test_a_file_that_cannot_be_written_is_an_error_of_one_line():
    if not os.path.exists("/dev/full"):
        pytest.skip("needs a device that is always full")
    with open("/dev/full", "w") as full:
        command = [sys.executable, "-c", COMMAND.format("print('out')")]
        done = subprocess.run(command, cwd=ROOT, env=environment(), stdout=full, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 2
    assert done.stderr == "error: No space left on device; free some disk space or choose another place\n"
