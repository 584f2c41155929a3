"""Measures the cost of streaming from HDF5, as ratios to the same work from memory.

First the rate of the `tf.data` data set alone, against one whose generator indexes a NumPy array in memory. Then the
rate of training steps, against the same loop on one constant batch in memory: once with the settings of --no-augment,
once with the default network and augmentation; that constant batch is not augmented. The two ways of a pair alternate
several times, and each ratio is that of their medians.
"""

import argparse
import sys
import time
from functools import partial
from pathlib import Path
from statistics import median

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from model.network_kinds import NETWORKS  # noqa: E402
from model.session_config import resolve_precision, session_config  # noqa: E402
from model.training.graph import build_training_graph  # noqa: E402
from pipeline.augmentation.augment import Augmentation  # noqa: E402
from pipeline.augmentation.kinds import KINDS  # noqa: E402
from pipeline.batch_order import endless_batches  # noqa: E402
from pipeline.dataset import make_dataset, make_dataset_of  # noqa: E402
from pipeline.mean_pose import mean_pose  # noqa: E402
from pipeline.store.reader import SequenceStore  # noqa: E402
from pipeline.tensorflow_v1 import tf  # noqa: E402

LARGEST_IN_MEMORY = 4000


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", metavar="DATA.h5")
    parser.add_argument("--runs", type=int, default=5, help="runs of each way (default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=4, help="seconds per run (default: %(default)s)")
    arguments = parser.parse_args()
    with SequenceStore(arguments.data) as store:
        indices = np.arange(min(len(store), LARGEST_IN_MEMORY))
        memory = store.read_sequences(indices)
        pose = mean_pose(store, indices)
    for batch_size in (5, 32):
        batches = partial(endless_batches, indices, batch_size, 0)
        ways = {
            "HDF5": partial(make_dataset, arguments.data, batches),
            "memory": partial(make_dataset_of, partial(batches_in_memory, memory, batches)),
        }
        rates = compare(ways, dataset_rate, arguments)
        print_ratio(f"tf.data alone, batch {batch_size}, sequences/s", rates, batch_size)
    for network, augmentation in (("strided", None), ("pyramid", Augmentation(KINDS, 0, 0))):
        batch_size = NETWORKS[network].defaults.batch_size
        # Augmentation leaves half of each sequence's frames.
        batch = [values[:batch_size, :: 2 if augmentation else 1] for values in memory]
        batches = partial(endless_batches, indices, batch_size, 0)
        ways = {
            "HDF5": partial(make_dataset, arguments.data, batches, augmentation),
            "constant": partial(constant_dataset, batch),
        }
        rates = compare(ways, partial(training_rate, network, pose), arguments)
        print_ratio(f"training {network}, steps/s" + (", augmented" if augmentation else ""), rates, 1)


def constant_dataset(batch):
    """Repeats one batch, a pair of arrays, endlessly."""
    return tf.data.Dataset.from_tensors(tuple(map(tf.constant, batch))).repeat()


def batches_in_memory(memory, batches):
    frames, labels = memory
    for indices in batches():
        yield frames[indices], labels[indices]


def compare(ways, rate, arguments):
    rates = {name: [] for name in ways}
    for _ in range(arguments.runs):
        for name, make in ways.items():
            rates[name].append(rate(make, arguments.seconds))
    return rates


def dataset_rate(make, seconds):
    """Batches per second that a session draws from the data set, without copying them out of TensorFlow."""
    with tf.Graph().as_default():
        batch = tf.data.make_one_shot_iterator(make()).get_next()
        with tf.Session() as session:
            return rate_of(session.make_callable(tf.group(*batch)), seconds)


def training_rate(network, pose, make, seconds):
    defaults = NETWORKS[network].defaults
    training = build_training_graph(make, network, defaults.num_units, pose, 0, defaults.members)
    with tf.Session(graph=training.graph, config=session_config(resolve_precision("auto"))) as session:
        session.run(training.initialize)
        step = session.make_callable(training.train_step, feed_list=[training.learning_rate])
        return rate_of(partial(step, 1e-4), seconds)


def rate_of(call, seconds):
    for _ in range(20):
        call()
    began, count = time.perf_counter(), 0
    while time.perf_counter() - began < seconds:
        call()
        count += 1
    return count / (time.perf_counter() - began)


def print_ratio(what, rates, factor):
    medians = {way: factor * median(runs) for way, runs in rates.items()}
    streamed, other = medians.values()
    print(f"{what:38} " + "   ".join(f"{way} {rate:8.1f}" for way, rate in medians.items()), end="")
    print(f"   ratio {streamed / other:.3f}")


if __name__ == "__main__":
    main()
