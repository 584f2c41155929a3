"""Measures what streaming costs training: steps per second, over the same loop on one constant batch in memory.

Once with the settings of --no-augment, once with the default network and augmentation; that constant batch is not
augmented. With --copies, on data sets that many times as large as well. The two ways of a pair alternate several times,
and each ratio is that of their medians. bench.peers measures the data set alone.
"""

import argparse
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from statistics import median

import numpy as np

from bench.larger_data import enlarge
from model.network_kinds import NETWORKS
from model.session_config import keep_each_op_on_a_thread, resolve_precision, session_config
from model.training.graph import build_training_graph
from pipeline.augmentation.augment import Augmentation
from pipeline.augmentation.kinds import KINDS
from pipeline.dataset import make_dataset
from pipeline.frame_window import BatchOrder
from pipeline.mean_pose import mean_pose
from pipeline.store.reader import SequenceStore
from pipeline.tensorflow_v1 import tf

FIRST_STEPS = 20


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", metavar="DATA.h5")
    parser.add_argument("--copies", type=int, nargs="+", default=[1], help="sizes, in times the data (default: 1)")
    parser.add_argument("--runs", type=int, default=5, help="runs of each way (default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=4, help="seconds per run (default: %(default)s)")
    arguments = parser.parse_args()
    for copies in arguments.copies:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(arguments.data)
            if copies > 1:
                path = Path(folder) / "larger.h5"
                enlarge(arguments.data, str(path), copies)
            for network, augmentation in (("strided", None), ("pyramid", Augmentation(KINDS, 0, 0))):
                # A process of its own, for the number of threads is one of a process.
                with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
                    rates = process.submit(compare, network, augmentation, path, arguments).result()
                print_ratio(f"{copies:3} times the data, {network}", rates)


def compare(network, augmentation, path, arguments):
    """The rates of both ways, in steps per second: a dict from the way to a list."""
    defaults = NETWORKS[network].defaults
    batch_size, members = defaults.batch_size, defaults.members
    keep_each_op_on_a_thread(members)
    with SequenceStore(path) as store:
        indices = np.arange(len(store))
        pose = mean_pose(store, indices)
        # Augmentation leaves half of each sequence's frames.
        batch = [values[:, :: 2 if augmentation else 1] for values in store.read_sequences(indices[:batch_size])]
    ways = {
        "streamed": partial(make_dataset, path, BatchOrder(indices, batch_size, 0), augmentation),
        "constant": partial(constant_dataset, batch),
    }
    rates = {way: [] for way in ways}
    for _ in range(arguments.runs):
        for way, make in ways.items():
            rates[way].append(training_rate(network, members, pose, make, arguments.seconds))
    return rates


def constant_dataset(batch):
    """Repeats one batch, a pair of arrays, endlessly."""
    return tf.data.Dataset.from_tensors(tuple(map(tf.constant, batch))).repeat()


def training_rate(network, members, pose, make, seconds):
    """Steps per second, after the first ones. make: as for build_training_graph's make_dataset."""
    training = build_training_graph(make, network, NETWORKS[network].defaults.num_units, pose, 0, members)
    with tf.Session(graph=training.graph, config=session_config(resolve_precision("auto"))) as session:
        session.run(training.initialize)
        step = session.make_callable(training.train_step, feed_list=[training.learning_rate])
        for _ in range(FIRST_STEPS):
            step(1e-4)
        began, count = time.perf_counter(), 0
        while time.perf_counter() - began < seconds:
            step(1e-4)
            count += 1
        return count / (time.perf_counter() - began)


def print_ratio(what, rates):
    medians = {way: median(runs) for way, runs in rates.items()}
    spread = " ".join(f"{streamed / constant:.2f}" for streamed, constant in zip(*rates.values(), strict=True))
    shown = "   ".join(f"{way} {rate:7.1f} steps/s" for way, rate in medians.items())
    print(f"{what:32} {shown}   ratio {medians['streamed'] / medians['constant']:.3f} ({spread})", flush=True)


if __name__ == "__main__":
    main()
