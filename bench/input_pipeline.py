"""Measures what streaming costs training: steps per second, compared with one constant batch in memory.

Once with the settings of --no-augment, once with the default network and augmentation; that constant batch is not
augmented. The two ways of a pair alternate, and each ratio is that of their medians. bench.peers measures the data set
alone.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from statistics import median

import numpy as np

from model.network_kinds import NETWORKS
from model.session_config import keep_each_op_on_a_thread, resolve_precision, session_config
from model.training.graph import build_training_graph
from model.training.shared_step import among_cores
from pipeline.augmentation.augment import FRAMES_USED, KINDS, Augmentation
from pipeline.batch_order import BatchOrder
from pipeline.dataset import make_dataset
from pipeline.mean_pose import mean_pose
from pipeline.store.reader import SequenceStore
from pipeline.tensorflow_v1 import tf
from support.machine import usable_cores

FIRST_STEPS = 20  # not timed


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", metavar="DATA.h5")
    parser.add_argument("--runs", type=int, default=5, help="runs of each way (default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=4, help="seconds per run (default: %(default)s)")
    arguments = parser.parse_args()
    for network, augmentation in (("strided", None), ("pyramid", Augmentation(KINDS, 0, 0))):
        # A separate process, since the number of threads is set once per process.
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
            work = process.submit(compare, network, augmentation, arguments.data, arguments.runs, arguments.seconds)
            streamed, constant = work.result()
        ratios = " ".join(f"{ours / limit:.2f}" for ours, limit in zip(streamed, constant, strict=True))
        medians = median(streamed), median(constant)
        print(
            f"{network:10} streamed {medians[0]:7.1f} steps/s   constant {medians[1]:7.1f} steps/s   "
            f"ratio {medians[0] / medians[1]:.3f} ({ratios})",
            flush=True,
        )


def compare(
    network: str, augmentation: Augmentation | None, path: str, runs: int, seconds: float
) -> tuple[list[float], list[float]]:
    """Steps per second of each run, streamed and with the constant batch."""
    defaults = NETWORKS[network]
    keep_each_op_on_a_thread(usable_cores())
    with SequenceStore(path) as store:
        indices = np.arange(len(store))
        pose = mean_pose(store, indices)
        batch = list(store.read_sequences(indices[: defaults.batch_size]))
        if augmentation:
            batch = [values[:, :FRAMES_USED] for values in batch]
        stream = partial(make_dataset, store, BatchOrder(indices, defaults.batch_size, 0), augmentation)
        streamed, constant = [], []
        for _ in range(runs):
            streamed.append(training_rate(network, pose, stream, seconds))
            constant.append(training_rate(network, pose, partial(constant_dataset, batch), seconds))
    return streamed, constant


def constant_dataset(batch: list[np.ndarray]) -> tf.data.Dataset:
    """Repeats one batch, frames and labels, endlessly."""
    return tf.data.Dataset.from_tensors(tuple(map(tf.constant, batch))).repeat()


def training_rate(network: str, pose: np.ndarray, make: Callable[[], tf.data.Dataset], seconds: float) -> float:
    """Steps per second. make: makes the data set in the current graph."""
    defaults = NETWORKS[network]
    training = build_training_graph(make, network, defaults.num_units, pose, 0, among_cores(usable_cores()))
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


if __name__ == "__main__":
    main()
