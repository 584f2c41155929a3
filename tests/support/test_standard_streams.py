import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
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


def environment(**changes):
    return {**os.environ, "PYTHONUTF8": "0", "PYTHONDONTWRITEBYTECODE": "1", **changes}


def finished(body, closed=(), **changes):
    """A command whose main() is `body`, run with these file descriptors closed."""
    arguments = [sys.executable, "-c", COMMAND.format(body)]
    if closed:
        arguments = [sys.executable, "-c", CLOSED.format(list(closed)), *arguments[1:]]
    return subprocess.run(arguments, capture_output=True, cwd=ROOT, env=environment(**changes))


@pytest.mark.parametrize(
    "encoding, expected",
    [("ascii", rb"2 px\xb2"), ("latin-1", b"2 px\xb2"), ("utf-8", "2 px²".encode()), ("ascii:replace", b"2 px?")],
)
def test_what_the_encoding_lacks_is_escaped(encoding, expected):
    done = finished("print('2 px\\xb2')\n    tqdm.write('2 px\\xb2')", PYTHONIOENCODING=encoding)
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.split(os.linesep.encode()) == [expected, expected, b""]


def test_an_error_message_is_escaped_too():
    done = finished("raise UserError('64×64 px')", PYTHONIOENCODING="ascii")
    assert (done.returncode, done.stdout, done.stderr.strip()) == (2, b"", rb"error: 64\xd764 px")


@pytest.mark.parametrize("command", ["train.py", "evaluate.py", "convert_pkl_to_h5.py"])
def test_the_help_of_a_command_fits_any_encoding(command):
    arguments = [sys.executable, ROOT / command, "--help"]
    done = subprocess.run(arguments, capture_output=True, env=environment(PYTHONIOENCODING="ascii"))
    assert (done.returncode, done.stderr) == (0, b"") and done.stdout.startswith(b"usage: ") and done.stdout.isascii()


@pytest.mark.skipif(os.name != "posix", reason="closes descriptors as a POSIX shell does")
@pytest.mark.parametrize("closed", [(2,), (1,), (1, 2), (0, 1, 2)])
def test_what_is_printed_to_a_closed_stream_is_dropped(closed, tmp_path):
    """Libraries write to the descriptors themselves: what the command writes to a file of its own stays whole."""
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
    done = finished(body.strip(), closed, PYTHONIOENCODING="utf-8")
    assert done.returncode == 2
    assert (tmp_path / "file").read_text() == "whole"
    expected = b"out\nout\nlibrary", b"err\nlibrarychild\nerror: of the user\n"
    found = done.stdout, done.stderr
    assert [found[number - 1] for number in (1, 2)] == [b"" if n in closed else expected[n - 1] for n in (1, 2)]
