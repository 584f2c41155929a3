import errno
import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from model.export.pruning import read_meta_graph
from model.export.saved_model import loaded_model
from model.sandboxed.sandboxed_model import LARGEST_EXAMINATION, ModelProcess, sandboxed_model
from pipeline.tensorflow_v1 import tf
from support.sandbox.limits import Limits
from support.user_error import MachineError, MemoryLimitError, UserError
from tests.conftest import ROOT
from tests.model.export.foreign_model import foreign_network, save_foreign_model

on_linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux enforces a memory limit")


@pytest.fixture(scope="module")
def fine_model(tmp_path_factory):
    return save_foreign_model(tmp_path_factory.mktemp("foreign") / "model", foreign_network)


def model_of(tmp_path, change_positions):
    return str(save_foreign_model(tmp_path / "model", lambda: foreign_network(change_positions=change_positions)))


def endless_loop(positions):
    return tf.while_loop(lambda value: tf.reduce_max(value) > -1e9, lambda value: value * 1.0, [positions])


def four_gigabytes(positions):
    """Needs 4 GB, for which a few numbers in the graph suffice."""
    size = tf.cast(tf.reduce_mean(positions) * 0 + 1e9, tf.int32)
    return positions + tf.reduce_sum(tf.fill([size], 0.0))


def messages_about(directory, limits):
    """The messages about a model that cannot be scored."""
    try:
        with sandboxed_model(directory, limits=limits) as model:
            assert model.predictor is None
            return model.breaches
    except UserError as error:
        return error.messages


@pytest.fixture(scope="module", autouse=True)
def messages_about_large_model(tmp_path_factory):
    """A Future of the messages about a model that exceeds its memory limit.

    TensorFlow retries for ten seconds before it gives up; the other tests run meanwhile.
    """
    if sys.platform != "linux":
        yield None
        return
    directory = model_of(tmp_path_factory.mktemp("large"), four_gigabytes)
    with ThreadPoolExecutor() as threads:
        yield threads.submit(messages_about, directory, Limits(megabytes=1500))


def test_predictions_equal_those_in_this_process(fine_model, people):
    rows = np.arange(40).reshape(4, 10)
    with loaded_model(str(fine_model)) as here, sandboxed_model(str(fine_model)) as there:
        assert there.breaches == there.warnings == []
        for frames in (people.frames[:21], people.frames[:1]):
            np.testing.assert_allclose(there.predictor.predict(frames), here.predict(frames), atol=1e-3)
        frames = people.frames[:4].reshape(40, 64, 64, 3)
        np.testing.assert_allclose(
            there.predictor.predict_block(frames, rows), here.predict_block(frames, rows), atol=1e-3
        )
        peak = there.process.peak_megabytes()
        assert peak > 50 if sys.platform == "linux" else True


def test_an_invalid_model_has_breaches_and_no_predictor(fine_model, tmp_path):
    with sandboxed_model(str(tmp_path)) as model:
        assert model.predictor is None and model.breaches[0].startswith("no saved model found")
    with pytest.raises(UserError, match="is not a folder"), sandboxed_model(str(tmp_path / "nothing")):
        pass


@pytest.mark.parametrize("name, count", [("a" * 20_000_000, 1), ("\U0001f600" * 3000, 2000)])
def test_messages_are_limited_in_number_and_length(name, count, fine_model, tmp_path):
    """Messages contain node names, and each placeholder that the positions depend on has one."""
    shutil.copytree(fine_model, tmp_path / "model")
    path = tmp_path / "model" / "my_model.meta"
    meta_graph = read_meta_graph(str(path))
    [joint_pos] = [node for node in meta_graph.graph_def.node if node.name == "joint_pos"]
    for number in range(count):
        meta_graph.graph_def.node.add(name=f"{name}{number}", op="Placeholder")
        joint_pos.input.append(f"^{name}{number}")
    path.write_bytes(meta_graph.SerializeToString())
    with sandboxed_model(str(tmp_path / "model")) as model:
        assert model.predictor is None
        assert model.breaches[0].startswith(f"joint_pos needs another input, {name[:100]}")
        assert len(model.breaches) <= 101 and max(map(len, model.breaches)) <= 2000
        assert count == 1 or model.breaches[-1] == "1900 more lines are omitted"


def test_an_oversized_answer_is_not_read(tmp_path):
    here, there = multiprocessing.Pipe()
    with here, ThreadPoolExecutor() as threads:
        sending = threads.submit(there.send_bytes, bytes(LARGEST_EXAMINATION + 2))
        process = ModelProcess(multiprocessing.current_process(), here, Limits(), str(tmp_path))
        with pytest.raises(UserError, match="the model's process sent an oversized answer"):
            process.examination()
        here.close()
        assert sending.exception() is not None


@pytest.mark.promise("A saved model that does not terminate is stopped")
def test_a_model_that_does_not_terminate_is_stopped(tmp_path):
    limits = Limits(answer_seconds=2.0)
    with (
        pytest.raises(UserError, match="takes longer than 2 s") as refused,
        sandboxed_model(model_of(tmp_path, endless_loop), limits=limits),
    ):
        pass
    assert str(tmp_path) in str(refused.value)


@on_linux
@pytest.mark.promise("A saved model that crashes TensorFlow ends only the sandboxed process")
@pytest.mark.parametrize(
    "number, error",
    [
        (signal.SIGSEGV, MemoryLimitError),
        (signal.SIGABRT, MemoryLimitError),
        (signal.SIGKILL, MachineError),
        (signal.SIGTERM, MachineError),
    ],
)
def test_an_end_of_the_process_is_reported_with_whose_fault_it_is(number, error, fine_model, people):
    with sandboxed_model(str(fine_model), limits=Limits(megabytes=3000)) as model:
        os.kill(model.process.pid, number)
        with pytest.raises(UserError, match=number.name) as raised:
            model.predictor.predict(people.frames[:2])
        assert type(raised.value) is error


def test_a_process_that_cannot_be_started_is_the_machines_fault(fine_model, monkeypatch):
    def fail(self):
        raise OSError(errno.EAGAIN, os.strerror(errno.EAGAIN))

    monkeypatch.setattr(multiprocessing.process.BaseProcess, "start", fail)
    with pytest.raises(MachineError, match=os.strerror(errno.EAGAIN)), sandboxed_model(str(fine_model)):
        pass


@pytest.mark.slow
@on_linux
def test_a_fork_server_without_tensorflow_works_too(fine_model):
    """A fork server that already runs preloads nothing more. Importing TensorFlow writes a temporary file."""
    script = (
        "import sys\n"
        "from multiprocessing import forkserver\n"
        "from model.sandboxed.sandboxed_model import sandboxed_model\n"
        "if __name__ == '__main__':\n"
        "    forkserver.ensure_running()\n"
        "    with sandboxed_model(sys.argv[1]) as model:\n"
        "        print(model.breaches, model.predictor is not None)\n"
    )
    command = [sys.executable, "-c", script, fine_model]
    assert subprocess.check_output(command, cwd=ROOT, text=True) == "[] True\n"


@on_linux
@pytest.mark.promise("A saved model cannot write files (Linux)")
def test_the_process_cannot_write_files(fine_model):
    with sandboxed_model(str(fine_model)) as model, open(f"/proc/{model.process.pid}/limits") as file:
        [line] = [line for line in file if line.startswith("Max file size")]
        assert line.split()[3:5] == ["0", "0"]


@pytest.mark.slow
@on_linux
@pytest.mark.promise("A saved model that does not terminate is stopped")
def test_the_process_ends_when_the_command_is_killed(tmp_path):
    script = (
        "import multiprocessing, sys, threading, time\n"
        "from model.sandboxed.sandboxed_model import sandboxed_model\n"
        "def print_pid():\n"
        "    while not multiprocessing.active_children():\n"
        "        time.sleep(0.05)\n"
        "    print(multiprocessing.active_children()[0].pid, flush=True)\n"
        "if __name__ == '__main__':\n"
        "    threading.Thread(target=print_pid, daemon=True).start()\n"
        "    with sandboxed_model(sys.argv[1]) as model:\n"
        "        pass\n"
    )
    directory = model_of(tmp_path, endless_loop)
    command = subprocess.Popen([sys.executable, "-c", script, directory], cwd=ROOT, stdout=subprocess.PIPE)
    pid = int(command.stdout.readline())
    while processor_seconds(pid) < 2:
        assert command.poll() is None
        time.sleep(0.05)
    command.kill()
    command.wait()
    for _ in range(1200):
        if state_of(pid) == "Z":
            return
        time.sleep(0.05)
    pytest.fail("the model's process is still running")


@pytest.mark.slow
@on_linux
@pytest.mark.promise("A saved model uses no more memory than --memory-limit allows (Linux)")
def test_a_model_over_its_memory_limit_is_stopped(messages_about_large_model):
    messages = messages_about_large_model.result()
    assert any("OOM" in line or "memory" in line for line in messages), messages


def processor_seconds(pid):
    with open(f"/proc/{pid}/stat") as file:
        return int(file.read().rsplit(")", 1)[1].split()[11]) / os.sysconf("SC_CLK_TCK")


def state_of(pid):
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rsplit(")", 1)[1].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return "Z"
