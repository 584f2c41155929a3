"""Measures what it brings to keep each op on one thread where as many networks are trained as there are cores.

Training steps per second of the default network on one constant batch, each op split over all cores, and each op on a
thread. Each run is a process of its own, for the threads are those of a process, and the two ways alternate.
"""

import argparse
import subprocess
import sys
from functools import partial
from pathlib import Path
from statistics import median

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from training_rate import constant_dataset, training_rate  # noqa: E402

from model.network_kinds import NETWORKS  # noqa: E402
from model.session_config import keep_each_op_on_a_thread  # noqa: E402
from pipeline.sequence_shape import COURSE_SHAPE  # noqa: E402
from support.cores import usable_cores  # noqa: E402

WAYS = ("split", "on a thread")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--members", type=int, default=usable_cores(), help="networks (default: the cores)")
    parser.add_argument("--precision", choices=("auto", "float32", "bfloat16"), default="auto")
    parser.add_argument("--runs", type=int, default=5, help="runs of each way (default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=8, help="seconds per run (default: %(default)s)")
    parser.add_argument("--way", choices=WAYS, help="run this way once, in this process")
    arguments = parser.parse_args()
    if arguments.way:
        print(rate(arguments))
        return
    rates = {way: [] for way in WAYS}
    for _ in range(arguments.runs):
        for way in WAYS:
            command = [sys.executable, __file__, *sys.argv[1:], "--members", str(arguments.members), "--way", way]
            rates[way].append(float(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout.split()[-1]))
    for way in WAYS:
        print(f"{way:12} {median(rates[way]):6.1f} steps/s ({min(rates[way]):.1f} to {max(rates[way]):.1f})")
    print(f"{'ratio':12} {median(rates[WAYS[1]]) / median(rates[WAYS[0]]):6.2f}")


def rate(arguments):
    """Steps per second, after the first ones."""
    if arguments.way == "on a thread":
        keep_each_op_on_a_thread(arguments.members)
    network = NETWORKS["pyramid"].defaults
    # Augmentation leaves half of each sequence's frames.
    shape = (network.batch_size, COURSE_SHAPE.length // 2)
    random = np.random.default_rng(0)
    frames = random.integers(0, 256, (*shape, *COURSE_SHAPE.frame), dtype=np.uint8)
    labels = random.uniform(0, 64, (*shape, *COURSE_SHAPE.labels[1:])).astype(np.float32)
    pose = labels.mean(axis=(0, 1))
    make = partial(constant_dataset, (frames, labels))
    return training_rate("pyramid", arguments.members, pose, make, arguments.seconds, arguments.precision)


if __name__ == "__main__":
    main()
