import os
import subprocess
import sys
import threading

import pytest

from pipeline.reading_gate import ReadingGate
from tests.conftest import ROOT

PATIENCE = 60  # seconds

# Reads slowly, as from a busy disk, so that the program exits during a read.
UNCLOSED_SESSION = """
import sys, time
import numpy as np
from pipeline.batch_order import BatchOrder
from pipeline.dataset import make_dataset
from pipeline.store.reader import SequenceStore
from pipeline.tensorflow_v1 import tf

read_frames = SequenceStore.read_frames
def slow_read(*arguments):
    time.sleep(0.2)
    return read_frames(*arguments)

dataset = make_dataset(SequenceStore(sys.argv[1]), BatchOrder(np.arange(600), 4, 0, window_megabytes=0.1))
iterator = tf.data.make_initializable_iterator(dataset)
batch = iterator.get_next()
session = tf.Session()
session.run([tf.local_variables_initializer(), iterator.initializer])
session.run(batch)
SequenceStore.read_frames = slow_read
session.run(batch)
print("done", flush=True)
"""


@pytest.mark.promise("A process exits even if its TensorFlow session was never closed")
def test_a_process_exits_although_its_session_is_never_closed(made_data):
    command = [sys.executable, "-c", UNCLOSED_SESSION, os.fspath(made_data.path)]
    finished = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE)
    assert (finished.returncode, finished.stdout) == (0, "done\n"), finished.stderr


def test_closing_the_gate_waits_for_the_reader_and_stops_it():
    gate, is_within, may_leave, stopped = ReadingGate(), threading.Event(), threading.Event(), []

    def read():
        try:
            with gate.passed():
                is_within.set()
                may_leave.wait(PATIENCE)
        except RuntimeError as error:
            stopped.append(str(error))

    reader = threading.Thread(target=read)
    reader.start()
    assert is_within.wait(PATIENCE)
    closing = threading.Thread(target=gate.close)
    closing.start()
    closing.join(0.1)
    assert closing.is_alive()
    may_leave.set()
    closing.join(PATIENCE)
    reader.join(PATIENCE)
    assert stopped == ["the program is exiting, so no data is read"]
    with pytest.raises(RuntimeError, match="the program is exiting"), gate.passed():
        pass
