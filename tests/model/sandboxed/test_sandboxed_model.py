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
from model.sandboxed.sandboxed_model import walled_model
from pipeline.tensorflow_v1 import tf
from support.sandbox.limits import Limits
from support.user_error import UserError
from tests.conftest import ROOT
from tests.model.export.foreign_model import foreign_network, save_foreign_model

on_linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux holds a process to a limit of memory")


@pytest.fixture(scope="module")
def fine_model(tmp_path_factory):
    return save_foreign_model(tmp_path_factory.mktemp("foreign") / "model", foreign_network)


def model_of(tmp_path, change_positions):
    return str(save_foreign_model(tmp_path / "model", lambda: foreign_network(change_positions=change_positions)))


def without_end(positions):
    return tf.while_loop(lambda value: tf.reduce_max(value) > -1e9, lambda value: value * 1.0, [positions])


def of_much_memory(positions):
    """Takes 4 GB: a few numbers in the graph."""
    size = tf.cast(tf.reduce_mean(positions) * 0 + 1e9, tf.int32)
    return positions + tf.reduce_sum(tf.fill([size], 0.0))


def end_of(directory, limits):
    """What is said of a model that cannot be scored."""
    try:
        with walled_model(directory, limits=limits) as model:
            assert model.predictor is None
            return model.breaches
    except UserError as error:
        return error.messages


@pytest.fixture(scope="module", autouse=True)
def of_much_memory_s_end(tmp_path_factory):
    """A Future of what is said of a model of much memory.

    TensorFlow waits ten seconds before it gives up, in which the other tests run.
    """
    if sys.platform != "linux":
        yield None
        return
    directory = model_of(tmp_path_factory.mktemp("much"), of_much_memory)
    with ThreadPoolExecutor() as threads:
        yield threads.submit(end_of, directory, Limits(megabytes=1500))


def test_it_predicts_what_the_model_predicts_in_this_process(fine_model, people):
    rows = np.arange(40).reshape(4, 10)
    with loaded_model(str(fine_model)) as here, walled_model(str(fine_model)) as there:
        assert there.breaches == there.warnings == []
        for frames in (people.frames[:21], people.frames[:1]):
            np.testing.assert_allclose(there.predictor.predict(frames), here.predict(frames), atol=1e-3)
        frames = people.frames[:4].reshape(40, 64, 64, 3)
        np.testing.assert_allclose(
            there.predictor.predict_block(frames, rows), here.predict_block(frames, rows), atol=1e-3
        )
        peak = there.process.peak_megabytes()
        assert peak > 50 if sys.platform == "linux" else True


def test_a_broken_model_is_told_of_and_has_no_predictor(fine_model, tmp_path):
    with walled_model(str(tmp_path)) as model:
        assert model.predictor is None and model.breaches[0].startswith("no saved model was found")
    with pytest.raises(UserError, match="is not a folder"), walled_model(str(tmp_path / "nothing")):
        pass


@pytest.mark.parametrize("name, count", [("a" * 20_000_000, 1), ("\U0001f600" * 3000, 2000)])
def test_what_is_said_of_a_model_is_bounded(name, count, fine_model, tmp_path):
    """The names of nodes are in the lines, and there is a line for each placeholder that positions depend on."""
    shutil.copytree(fine_model, tmp_path / "model")
    path = tmp_path / "model" / "my_model.meta"
    meta_graph = read_meta_graph(str(path))
    [joint_pos] = [node for node in meta_graph.graph_def.node if node.name == "joint_pos"]
    for number in range(count):
        meta_graph.graph_def.node.add(name=f"{name}{number}", op="Placeholder")
        joint_pos.input.append(f"^{name}{number}")
    path.write_bytes(meta_graph.SerializeToString())
    with walled_model(str(tmp_path / "model")) as model:
        assert model.predictor is None
        assert model.breaches[0].startswith(f"joint_pos needs the further input {name[:100]}")
        assert len(model.breaches) <= 101 and max(map(len, model.breaches)) <= 2000
        assert count == 1 or model.breaches[-1] == "1900 more lines are left out"


def test_an_answer_without_end_is_not_read(fine_model, monkeypatch):
    monkeypatch.setattr("model.sandboxed.sandboxed_model.LARGEST_FACTS", 100)
    with (
        pytest.raises(UserError, match="model: the model's process answers at too great length"),
        walled_model(str(fine_model)),
    ):
        pass


@pytest.mark.promise("A saved model that does not come to an end is ended")
def test_a_model_without_end_is_ended(tmp_path):
    limits = Limits(answer_seconds=2.0)
    with (
        pytest.raises(UserError, match="takes longer than 2 s") as refused,
        walled_model(model_of(tmp_path, without_end), limits=limits),
    ):
        pass
    assert str(tmp_path) in str(refused.value)


@on_linux
@pytest.mark.promise("A saved model that crashes TensorFlow ends a process of its own alone")
@pytest.mark.parametrize("number", [signal.SIGSEGV, signal.SIGABRT])
def test_a_process_that_crashes_is_reported(number, fine_model, people):
    with walled_model(str(fine_model), limits=Limits(megabytes=3000)) as model:
        os.kill(model.process.number, number)
        with pytest.raises(UserError, match=number.name):
            model.predictor.predict(people.frames[:2])


@on_linux
def test_tensorflow_is_imported_before_the_limits_whatever_the_process_is_forked_from(fine_model):
    """Its import writes a temporary file. A fork server that runs already preloads nothing more."""
    script = (
        "import sys\n"
        "from multiprocessing import forkserver\n"
        "from model.sandboxed.sandboxed_model import walled_model\n"
        "if __name__ == '__main__':\n"
        "    forkserver.ensure_running()\n"
        "    with walled_model(sys.argv[1]) as model:\n"
        "        print(model.breaches, model.predictor is not None)\n"
    )
    command = [sys.executable, "-c", script, fine_model]
    assert subprocess.check_output(command, cwd=ROOT, text=True) == "[] True\n"


@on_linux
@pytest.mark.promise("A saved model writes no file")
def test_the_process_cannot_write(fine_model):
    with walled_model(str(fine_model)) as model, open(f"/proc/{model.process.number}/limits") as file:
        [line] = [line for line in file if line.startswith("Max file size")]
        assert line.split()[3:5] == ["0", "0"]


@on_linux
@pytest.mark.promise("A saved model that does not come to an end is ended")
def test_it_ends_when_the_command_is_killed_whatever_it_is_at(tmp_path):
    script = (
        "import multiprocessing, sys, threading, time\n"
        "from model.sandboxed.sandboxed_model import walled_model\n"
        "def tell():\n"
        "    while not multiprocessing.active_children():\n"
        "        time.sleep(0.05)\n"
        "    print(multiprocessing.active_children()[0].pid, flush=True)\n"
        "if __name__ == '__main__':\n"
        "    threading.Thread(target=tell, daemon=True).start()\n"
        "    with walled_model(sys.argv[1]) as model:\n"
        "        pass\n"
    )
    directory = model_of(tmp_path, without_end)
    command = subprocess.Popen([sys.executable, "-c", script, directory], cwd=ROOT, stdout=subprocess.PIPE)
    number = int(command.stdout.readline())
    while processor_seconds(number) < 2:
        assert command.poll() is None
        time.sleep(0.05)
    command.kill()
    command.wait()
    for _ in range(1200):
        if state_of(number) == "Z":
            return
        time.sleep(0.05)
    pytest.fail("the model's process is still there")


@on_linux
@pytest.mark.promise("A saved model takes no more memory than it is allowed")
def test_a_model_of_much_memory_is_ended(of_much_memory_s_end):
    said = of_much_memory_s_end.result()
    assert any("OOM" in line or "memory" in line for line in said), said


def processor_seconds(number):
    with open(f"/proc/{number}/stat") as file:
        return int(file.read().rsplit(")", 1)[1].split()[11]) / os.sysconf("SC_CLK_TCK")


def state_of(number):
    try:
        with open(f"/proc/{number}/stat") as file:
            return file.read().rsplit(")", 1)[1].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return "Z"
