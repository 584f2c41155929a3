import contextlib
import os
import re
import signal
import subprocess
import sys
import tracemalloc

import numpy as np
import pytest

from support.user_error import UserError
from tests.conftest import ROOT
from tests.video.files import hostile_decoder
from tests.video.files.videos import moving_square, write_video
from video.files.sandboxed_decoder import SandboxedDecoder

on_linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux lists a process's restrictions in files")


@pytest.fixture(scope="module")
def long_video(tmp_path_factory):
    """Its frames are larger than a pipe, so the decoder process waits until they are read."""
    return str(write_video(tmp_path_factory.mktemp("videos") / "long.mp4", moving_square(8, height=720, width=1280)))


@pytest.fixture
def decoder(long_video):
    with contextlib.closing(SandboxedDecoder(long_video)) as decoder:
        yield decoder


def limits_of(pid):
    with open(f"/proc/{pid}/limits") as file:
        rows = [re.split(r"\s{2,}", line.strip()) for line in file.readlines()[1:]]
    return {row[0]: row[2] for row in rows}


@on_linux
@pytest.mark.promise("The process that decodes a video cannot open files, write files or start processes (Linux)")
def test_the_process_is_sandboxed(decoder):
    limits = limits_of(decoder.pid)
    assert limits["Max file size"] == "0" and limits["Max open files"] == "3" and limits["Max core file size"] == "0"
    with open(f"/proc/{decoder.pid}/status") as file:
        status = dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)
    if os.uname().machine in ("x86_64", "aarch64"):
        assert status["Seccomp"] == "2" and status["NoNewPrivs"] == "1"
    assert len(os.listdir(f"/proc/{decoder.pid}/fd")) == 3


@on_linux
@pytest.mark.promise("Decoding a video uses no more memory than its limit (Linux)")
def test_a_video_that_needs_too_much_memory_is_refused(decoder, tmp_path):
    assert int(limits_of(decoder.pid)["Max data size"]) < 5e9
    path = write_video(tmp_path / "large.avi", [np.zeros((3000, 4000, 3), np.uint8)])
    with (
        pytest.raises(UserError, match="large.avi needs more than 30 MB of memory to decode; scale it down"),
        contextlib.closing(SandboxedDecoder(str(path), megabytes=30)) as small,
    ):
        list(small.frames())


@pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX signals")
@pytest.mark.promise("A video that crashes FFmpeg ends only the decoder process")
@pytest.mark.parametrize(
    "number, reason",
    [
        (signal.SIGSEGV, "the decoder crashed (SIGSEGV)"),
        (signal.SIGABRT, "the decoder crashed (SIGABRT)"),
        (signal.SIGKILL, "probably for lack of memory"),
    ],
)
def test_a_crash_is_reported(number, reason, decoder, long_video):
    os.kill(decoder.pid, number)
    with pytest.raises(UserError, match=re.escape(reason)) as refused:
        list(decoder.frames())
    assert str(refused.value).startswith(f"{long_video}: ")


@on_linux
@pytest.mark.promise("If FFmpeg hangs, decoding is stopped")
def test_a_process_that_hangs_is_given_up(decoder):
    os.kill(decoder.pid, signal.SIGSTOP)
    decoder.seconds_per_answer = 0.2
    with pytest.raises(UserError, match="decoding a frame took over 0.2 s"):
        list(decoder.frames())


@pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX signals")
def test_the_process_ignores_ctrl_c_and_sigterm(decoder):
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        os.kill(decoder.pid, number)
    assert len(list(decoder.frames())) == 8


@pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX signals")
def test_close_ends_a_process_that_is_sending(long_video):
    decoder = SandboxedDecoder(long_video)
    next(decoder.frames())
    decoder.close()
    with pytest.raises(ProcessLookupError):
        os.kill(decoder.pid, 0)


@on_linux
def test_a_process_that_computes_ends_when_nobody_reads_its_output(long_video):
    script = (
        "from video.files import decoder_process\n"
        "def compute_forever(*arguments):\n"
        "    while True:\n"
        "        pass\n"
        "decoder_process.send_video = compute_forever\n"
        "decoder_process.main()\n"
    )
    with open(long_video, "rb") as video:
        command = [sys.executable, "-c", script, long_video, "89000000", "4000"]
        process = subprocess.Popen(command, cwd=ROOT, stdin=video, stdout=subprocess.PIPE)
    # The kernel closes the pipe like this when the command is killed.
    process.stdout.close()
    try:
        process.wait(60)
    finally:
        process.kill()
        process.wait()


ERRORS = {
    "nothing": "ended unexpectedly",
    "half_a_header": "ended unexpectedly",
    "frame_without_end": "ended unexpectedly",
    "time_beyond_any_clock": "frame 0 is at second 1000",
    "error_that_moves_the_cursor": "all is well",  # support.user_error escapes the rest when it prints it
}


@pytest.mark.promise("Everything the decoder process sends is validated")
@pytest.mark.parametrize("answer", sorted(hostile_decoder.ANSWERS))
def test_answers_of_a_hostile_process_are_validated(answer, tmp_path):
    (tmp_path / answer).write_text("a video")
    tracemalloc.start()
    try:
        with contextlib.ExitStack() as stack:
            if answer != "valid":
                message = ERRORS.get(answer, "sent invalid data; do not trust this file")
                stack.enter_context(pytest.raises(UserError, match=message))
            decoder = SandboxedDecoder(str(tmp_path / answer), program="tests.video.files.hostile_decoder")
            stack.callback(decoder.close)
            [frame] = decoder.frames()
            np.testing.assert_array_equal(frame.picture, np.zeros((2, 2, 3), np.uint8))
        assert tracemalloc.get_traced_memory()[1] < 4e6
    finally:
        tracemalloc.stop()
