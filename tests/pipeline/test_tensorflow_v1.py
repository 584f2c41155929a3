import importlib
import subprocess
import sys

import pytest

from pipeline import tensorflow_v1
from support.deferred_module import DeferredModule


@pytest.mark.parametrize(
    "message, raised",
    [
        ("libtensorflow_cc.so.2: failed to map segment from shared object", MemoryError),
        ("libtensorflow_cc.so.2: failed to map segment from shared object: Operation not permitted", ImportError),
    ],
)
def test_too_little_memory_for_a_library_raises_memory_error(message, raised, monkeypatch, capfd):
    def fail(name):
        raise ImportError(message)

    monkeypatch.setattr(importlib, "import_module", fail)
    tensorflow = DeferredModule("tensorflow.compat.v1", tensorflow_v1._import_tensorflow)
    with pytest.raises(raised):
        print(tensorflow.Graph)


# A graph that allocates and frees several tensors of 8 MiB at every step. Page faults are measured, not time: 8 MiB are
# 2048 pages.
STEPS = """
import resource, sys
import numpy as np
from pipeline.dataset import make_dataset
from pipeline.batch_order import BatchOrder
from pipeline.store.reader import SequenceStore
from pipeline.tensorflow_v1 import tf

dataset = make_dataset(SequenceStore(sys.argv[1]), BatchOrder(np.arange(592), 16, seed=0))
iterator = tf.data.make_initializable_iterator(dataset)
frames, _ = iterator.get_next()
values = tf.cast(frames, tf.float32)
values = tf.nn.softmax(values) * tf.cumsum(values, axis=1) + tf.nn.l2_normalize(values)
with tf.Session() as session:
    session.run([tf.local_variables_initializer(), iterator.initializer])
    step = session.make_callable(tf.reduce_sum(values))
    for _ in range(10):
        step()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(20):
        step()
    print((resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before) / 20)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="mallopt is glibc's")
def test_tensors_of_a_step_reuse_the_memory_of_the_previous_step(made_data):
    command = [sys.executable, "-c", STEPS, str(made_data.path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert float(done.stdout) < 500
