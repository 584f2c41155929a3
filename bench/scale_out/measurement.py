"""Steps of one and of several workers on this machine, in networks of several kinds."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from bench.scale_out.model import Computing, Gradient, computing_of, wire_seconds
from bench.scale_out.places import Measured, Network, measured, places
from bench.scale_out.runs import seconds_a_step, train
from model.network import training_positions
from pipeline.tensorflow_v1 import tf


class Measurement(NamedTuple):
    """Workers in a network. met: what a TCP connection meets there. seconds: that a step takes."""

    network: Network
    met: Measured
    workers: int
    seconds: float


class Measurements(NamedTuple):
    """batch: sequences of a step. computing: of one worker on one core. several: workers' steps."""

    network: str
    batch: int
    gradient: Gradient
    computing: Computing
    several: list[Measurement]


def measure(
    data: str, folder: Path, workers: Sequence[int], networks: Sequence[Network], options: Sequence[str]
) -> Measurements:
    """Prints each step's time as soon as it is known. options: train.py's."""
    whole, half = folder / "whole", folder / "half"
    with places(1, Network()) as alone:
        train(alone, data, whole, options)
        config = json.loads((whole / "config.json").read_text())
        batch = config["batch_size"]
        train(alone, data, half, [*options, "--batch-size", str(batch // 2)])
    by_batch = {batch: seconds_a_step(whole), batch // 2: seconds_a_step(half)}
    computing, gradient = computing_of(by_batch), gradient_of(config)
    print(f"{config['network']}: gradient {gradient.size / 1e6:.2f} MB, {gradient.collectives} collectives a step")
    for size, seconds in by_batch.items():
        print(
            f"one worker on one core, batch of {size}: {1e3 * seconds:.1f} ms a step, {size / seconds:.1f} sequences/s"
        )
    print("\nms a step; `shared` is what is not computing, `wire` what is more of it than in the first network")
    print(f"{'network':22}{'round trip':>11}{'Gbit/s':>8}{'workers':>9}{'step':>8}{'shared':>8}{'wire':>8}{'model':>8}")
    several: list[Measurement] = []
    for network in networks:
        met = measured(network)
        for number in workers:
            with places(number, network) as group:
                train(group, data, folder / str(len(several)), options)
            several.append(Measurement(network, met, number, seconds_a_step(folder / str(len(several)))))
            print(_row(several, batch, computing, gradient), flush=True)
    first = several[0]
    without = computing.seconds(first.workers, batch) + wire_seconds(first.workers, gradient, first.met)
    computing = computing._replace(sharing=first.seconds - without)
    print(f"sharing takes {1e3 * computing.sharing:.1f} ms a step in the first network, beside what the model says")
    return Measurements(config["network"], batch, gradient, computing, several)


def _row(several: list[Measurement], batch: int, computing: Computing, gradient: Gradient) -> str:
    last = several[-1]
    first = next(one for one in several if one.workers == last.workers)
    computed = computing.seconds(last.workers, batch)
    model = wire_seconds(last.workers, gradient, last.met) - wire_seconds(last.workers, gradient, first.met)
    columns = [last.seconds, last.seconds - computed, last.seconds - first.seconds, model]
    return f"{last.network!s:22}{1e3 * last.met.round_trip:11.2f}{8e-9 * last.met.rate:8.2f}{last.workers:9}" + "".join(
        f"{1e3 * seconds:8.1f}" for seconds in columns
    )


def gradient_of(config: dict) -> Gradient:
    """Of a network as config.json describes it."""
    with tf.Graph().as_default():
        frames = tf.placeholder(tf.uint8, [None, 10, 64, 64, 3])
        mean_pose = np.zeros((7, 2), np.float32)
        training_positions(frames, config["network"], config["num_units"], config["members"], mean_pose)
        numbers = sum(variable.shape.num_elements() for variable in tf.trainable_variables())
        layers = sum(variable.op.name.endswith("/scale") for variable in tf.trainable_variables())
    return Gradient(4 * numbers, 2 * layers + 1)
