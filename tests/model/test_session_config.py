import os
import subprocess
import sys

import pytest

from model import session_config as module
from model.session_config import (
    bfloat16_failure,
    has_bfloat16,
    keep_each_op_on_a_thread,
    resolve_precision,
    session_config,
)
from pipeline.tensorflow_v1 import tf
from support.machine import usable_cores
from support.user_error import UserError
from tests.conftest import ROOT

BFLOAT16 = "flags\t\t: fpu vme sse2 avx512_bf16 avx2\nmodel name\t: one\nflags\t\t: fpu\n"


def precision_of(config):
    return config.graph_options.rewrite_options.auto_mixed_precision_onednn_bfloat16


def test_only_bfloat16_rewrites_the_graph():
    assert precision_of(session_config("bfloat16")) == 1
    assert precision_of(session_config("float32")) == 0


THREADS = """
import os, sys
from support.machine import usable_cores
from model.session_config import bfloat16_failure, keep_each_op_on_a_thread
keep_each_op_on_a_thread(usable_cores() - 1 + int(sys.argv[1]))
bfloat16_failure()
print(len(os.listdir("/proc/self/task")))
"""


@pytest.mark.slow
@pytest.mark.skipif(not os.path.exists("/proc/self/task"), reason="counts threads by Linux's list of them")
@pytest.mark.skipif(usable_cores() == 1, reason="one core has one thread for ops")
def test_each_op_runs_on_one_thread_if_there_is_a_branch_for_every_core():
    # In separate processes, to which the threads belong.
    environment = {name: value for name, value in os.environ.items() if name != "TF_NUM_INTRAOP_THREADS"}
    split, kept = (
        int(subprocess.run([sys.executable, "-c", THREADS, too_few], cwd=ROOT, env=environment, stdout=-1).stdout)
        for too_few in ("0", "1")
    )
    assert split - kept == usable_cores() - 1


def test_the_user_s_number_of_threads_is_kept(monkeypatch):
    monkeypatch.setenv("TF_NUM_INTRAOP_THREADS", "3")
    keep_each_op_on_a_thread(10**6)
    assert os.environ["TF_NUM_INTRAOP_THREADS"] == "3"


@pytest.mark.parametrize(
    "wanted, has_it, has_gpu, failure, expected, count",
    [
        ("float32", True, False, None, "float32", 0),
        ("bfloat16", False, False, None, "bfloat16", 0),
        ("auto", True, False, None, "bfloat16", 0),
        ("auto", True, True, None, "float32", 0),
        ("auto", False, False, "never asked for", "float32", 0),
        ("auto", True, False, "could not create a primitive", "float32", 1),
    ],
)
def test_auto_is_bfloat16_if_the_processor_has_it_and_it_works(
    wanted, has_it, has_gpu, failure, expected, count, monkeypatch
):
    monkeypatch.setattr(module, "has_bfloat16", lambda: has_it)
    monkeypatch.setattr(module, "has_gpu", lambda: has_gpu)
    monkeypatch.setattr(module, "bfloat16_failure", lambda: failure)
    lines = []
    assert resolve_precision(wanted, lines.append) == expected
    assert len(lines) == count and all(failure in line and "\n" not in line for line in lines)


def test_bfloat16_that_does_not_work_is_an_error(monkeypatch):
    monkeypatch.setattr(module, "bfloat16_failure", lambda: "could not create a primitive")
    with pytest.raises(UserError, match=r"bfloat16 on this machine \(could not create a primitive\); omit --precision"):
        resolve_precision("bfloat16")


def test_the_failure_of_bfloat16_is_tensorflow_s_message(monkeypatch):
    class FailingSession(tf.Session):
        def run(self, *arguments, **options):
            raise tf.errors.AbortedError(None, None, "could not create a primitive descriptor\nand more")

    assert bfloat16_failure() is None or isinstance(bfloat16_failure(), str)
    monkeypatch.setattr(tf, "Session", FailingSession)
    assert bfloat16_failure() == "could not create a primitive descriptor"


@pytest.mark.parametrize(
    "text, expected",
    [
        (BFLOAT16, True),
        (BFLOAT16.replace("avx512_bf16", "amx_bf16"), True),
        (BFLOAT16.replace("avx512_bf16", "avx512"), False),
        (BFLOAT16.replace("avx512_bf16", "not_avx512_bf16_at_all"), False),
        ("Processor: another\n", False),
        ("", False),
    ],
)
def test_bfloat16_is_detected_by_the_processor_s_flags(text, expected, tmp_path):
    (tmp_path / "cpuinfo").write_text(text)
    assert has_bfloat16(str(tmp_path / "cpuinfo")) is expected


def test_a_system_without_processor_flags_has_no_bfloat16(tmp_path):
    assert has_bfloat16(str(tmp_path / "nothing")) is False
