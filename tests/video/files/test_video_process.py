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
from tests.video.files import hostile_reader
from tests.video.files.videos import moving_square, write_video
from video.files.video_process import VideoProcess

on_linux = pytest.mark.skipif(sys.platform != "linux", reason="Linux alone says in files what a process may do")


@pytest.fixture(scope="module")
def long_video(tmp_path_factory):
    """Its frames are larger than a pipe, so the process that reads it waits until somebody takes them."""
    return str(write_video(tmp_path_factory.mktemp("videos") / "long.mp4", moving_square(8, height=720, width=1280)))


@pytest.fixture
def process(long_video):
    with contextlib.closing(VideoProcess(long_video)) as process:
        process.facts()
        yield process


def limits_of(number):
    with open(f"/proc/{number}/limits") as file:
        rows = [re.split(r"\s{2,}", line.strip()) for line in file.readlines()[1:]]
    return {row[0]: row[2] for row in rows}


@on_linux
@pytest.mark.promise("A video is read by a process that opens no files, writes none and starts no process")
def test_the_process_can_do_nothing_else(process):
    limits = limits_of(process.number)
    assert limits["Max file size"] == "0" and limits["Max open files"] == "3" and limits["Max core file size"] == "0"
    with open(f"/proc/{process.number}/status") as file:
        status = dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)
    if os.uname().machine in ("x86_64", "aarch64"):
        assert status["Seccomp"] == "2" and status["NoNewPrivs"] == "1"
    assert len(os.listdir(f"/proc/{process.number}/fd")) == 3


@on_linux
@pytest.mark.promise("A video takes no more memory than it is allowed")
def test_a_video_of_much_memory_is_refused(process, tmp_path):
    assert int(limits_of(process.number)["Max data size"]) < 5e9
    path = write_video(tmp_path / "large.avi", [np.zeros((3000, 4000, 3), np.uint8)])
    script = (
        "from video.files import video_reader\n"
        "from support.sandbox.limits import Limits\n"
        "video_reader.LIMITS = Limits(megabytes=30)\n"
        "video_reader.main()\n"
    )
    with open(path, "rb") as video:
        command = [sys.executable, "-c", script, "large.avi", "89000000"]
        done = subprocess.run(command, cwd=ROOT, stdin=video, capture_output=True, check=True)
    assert done.stdout.endswith(b"large.avi takes more than 30 MB of memory to read; scale it down")


@pytest.mark.skipif(sys.platform == "win32", reason="no such signals")
@pytest.mark.promise("A video that crashes FFmpeg ends a process of its own alone")
@pytest.mark.parametrize(
    "number, words",
    [
        (signal.SIGSEGV, "FFmpeg crashes on it (SIGSEGV)"),
        (signal.SIGABRT, "FFmpeg crashes on it (SIGABRT)"),
        (signal.SIGKILL, "as it does where memory runs out"),
    ],
)
def test_a_process_that_crashes_is_reported(number, words, process, long_video):
    os.kill(process.number, number)
    with pytest.raises(UserError, match=re.escape(words)) as refused:
        list(process.frames())
    assert str(refused.value).startswith(f"{long_video}: ")


@on_linux
@pytest.mark.promise("A video that FFmpeg does not come to an end with is ended")
def test_a_process_that_is_silent_is_given_up(process, monkeypatch):
    monkeypatch.setattr("video.files.video_process.ANSWER_SECONDS", 0.2)
    os.kill(process.number, signal.SIGSTOP)
    with pytest.raises(UserError, match="no frame was read within 0.2 s"):
        list(process.frames())


def test_ctrl_c_and_sigterm_are_left_to_the_command(process):
    if sys.platform != "win32":
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            os.kill(process.number, number)
    assert len(list(process.frames())) == 8


def test_close_ends_it_whatever_it_is_at(long_video):
    process = VideoProcess(long_video)
    process.facts()
    next(process.frames())
    process.close()
    if sys.platform != "win32":
        with pytest.raises(ProcessLookupError):
            os.kill(process.number, 0)


@on_linux
def test_it_ends_with_whoever_listens_whatever_it_is_at(long_video):
    script = (
        "from video.files import video_reader\n"
        "def run_without_end(*arguments):\n"
        "    while True:\n"
        "        pass\n"
        "video_reader.send_video = run_without_end\n"
        "video_reader.main()\n"
    )
    with open(long_video, "rb") as video:
        command = [sys.executable, "-c", script, long_video, "89000000"]
        process = subprocess.Popen(command, cwd=ROOT, stdin=video, stdout=subprocess.PIPE)
    # As the kernel does where the command is killed.
    process.stdout.close()
    try:
        process.wait(60)
    finally:
        process.kill()
        process.wait()


ENDINGS = {
    "nothing": "ended without a word",
    "half_a_header": "ended without a word",
    "a_frame_and_no_end": "ended without a word",
    "a_time_beyond_all_clocks": "frame 0 is shown at second 1000",
}


@pytest.mark.promise("Nothing is believed that comes from a process that has read a stranger's video")
@pytest.mark.parametrize("answer", sorted(hostile_reader.ANSWERS))
def test_answers_of_a_process_that_was_taken_over(answer, tmp_path, monkeypatch):
    monkeypatch.setattr("video.files.video_process.READER", "tests.video.files.hostile_reader")
    (tmp_path / answer).write_text("a video")
    tracemalloc.start()
    try:
        with contextlib.closing(VideoProcess(str(tmp_path / answer))) as process:
            if answer == "a_frame_and_the_end":
                process.facts()
                [frame] = process.frames()
                np.testing.assert_array_equal(frame.picture, np.zeros((2, 2, 3), np.uint8))
                return
            with pytest.raises(UserError) as refused:
                process.facts()
                list(process.frames())
        assert tracemalloc.get_traced_memory()[1] < 4e6
    finally:
        tracemalloc.stop()
    if answer != "a_refusal_that_moves_the_cursor":  # support.user_error prints what is printable.
        assert ENDINGS.get(answer, "answers nonsense; do not trust the file") in str(refused.value)
