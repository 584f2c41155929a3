import subprocess
import sys
import threading

import pytest

from pipeline.store.reading_gate import ReadingGate
from tests.conftest import ROOT

PATIENCE = 60  # seconds

# Reads slowly, with h5py's lock held, as from a disk that is busy, so that the program ends within a read.
UNCLOSED_SESSION = """
import sys, time
import h5py, numpy as np
from h5py._objects import phil
from pipeline.dataset import make_dataset
from pipeline.frame_window import BatchOrder
from pipeline.tensorflow_v1 import tf

read = h5py.Dataset.__getitem__
def slow_read(self, selection):
    with phil:
        time.sleep(0.2)
        return read(self, selection)

dataset = make_dataset(sys.argv[1], BatchOrder(np.arange(600), 4, 0, window_megabytes=0.1))
iterator = tf.data.make_initializable_iterator(dataset)
batch = iterator.get_next()
session = tf.Session()
session.run([tf.local_variables_initializer(), iterator.initializer])
session.run(batch)
h5py.Dataset.__getitem__ = slow_read
session.run(batch)
print("done", flush=True)
"""


@pytest.mark.promise("A process that does not close its session ends")
def test_a_session_that_is_never_closed_does_not_keep_the_process_from_ending(made_data):
    command = [sys.executable, "-c", UNCLOSED_SESSION, str(made_data.path)]
    finished = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE)
    assert (finished.returncode, finished.stdout) == (0, "done\n"), finished.stderr


def test_closing_waits_for_who_is_within_and_lets_nobody_else_in():
    gate, is_within, may_leave, left = ReadingGate(), threading.Event(), threading.Event(), []

    def read():
        with gate.passed():
            is_within.set()
            may_leave.wait(PATIENCE)
            left.append(True)

    reader = threading.Thread(target=read)
    reader.start()
    assert is_within.wait(PATIENCE)
    closing = threading.Thread(target=gate.close)
    closing.start()
    may_leave.set()
    closing.join(PATIENCE)
    assert left == [True]
    with pytest.raises(RuntimeError, match="the program is ending"), gate.passed():
        pass
    reader.join(PATIENCE)
