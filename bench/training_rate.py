"""Steps per second of a training loop, for the benchmarks that compare them."""

import time

from model.network_kinds import NETWORKS
from model.session_config import resolve_precision, session_config
from model.training.graph import build_training_graph
from pipeline.tensorflow_v1 import tf

FIRST_STEPS = 20


def constant_dataset(batch):
    """Repeats one batch, a pair of arrays, endlessly."""
    return tf.data.Dataset.from_tensors(tuple(map(tf.constant, batch))).repeat()


def training_rate(network, members, pose, make, seconds, precision="auto"):
    """Steps per second, after the first ones. make: as for build_training_graph's make_dataset."""
    training = build_training_graph(make, network, NETWORKS[network].defaults.num_units, pose, 0, members)
    with tf.Session(graph=training.graph, config=session_config(resolve_precision(precision))) as session:
        session.run(training.initialize)
        step = session.make_callable(training.train_step, feed_list=[training.learning_rate])
        for _ in range(FIRST_STEPS):
            step(1e-4)
        began, count = time.perf_counter(), 0
        while time.perf_counter() - began < seconds:
            step(1e-4)
            count += 1
        return count / (time.perf_counter() - began)
