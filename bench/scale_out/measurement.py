"""Measures the steps of one and of several workers on this machine, in several networks."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from bench.scale_out.network_model import Step, measured_step
from bench.scale_out.places import Connection, Network, measured_connection, places
from bench.scale_out.runs import seconds_per_step, train
from model.network import training_positions
from pipeline.tensorflow_v1 import tf


@dataclass(frozen=True)
class Measurement:
    """Workers in a network."""

    network: Network
    connection: Connection  # that TCP has there
    workers: int
    seconds: float  # per step


def measure(
    data: str, folder: Path, workers: Sequence[int], networks: Sequence[Network], options: Sequence[str]
) -> Step:
    """Prints each step's time as soon as it is known; returns the Step for the model. options: of train.py."""
    whole, half = folder / "whole", folder / "half"
    with places(1, Network()) as alone:
        train(alone, data, whole, options)
        config = json.loads((whole / "config.json").read_text())
        batch = config["batch_size"]
        train(alone, data, half, [*options, "--batch-size", str(batch // 2)])
    by_batch = {batch: seconds_per_step(whole), batch // 2: seconds_per_step(half)}
    step = measured_step(by_batch, gradient_bytes(config))
    print(f"{config['network']}: gradient {step.gradient / 1e6:.2f} MB")
    for size, seconds in by_batch.items():
        speed = f"{1e3 * seconds:.1f} ms per step, {size / seconds:.1f} sequences/s"
        print(f"one worker on one core, batch of {size}: {speed}")
    print("\nms per step; `shared` is not computing, `wire` is what the network adds to the first network's step")
    print(f"{'network':22}{'round trip':>11}{'Gbit/s':>8}{'workers':>9}{'step':>8}{'shared':>8}{'wire':>8}{'model':>8}")
    measurements: list[Measurement] = []
    for network in networks:
        connection = measured_connection(network)
        for number in workers:
            out = folder / str(len(measurements))
            with places(number, network) as group:
                train(group, data, out, options)
            measurements.append(Measurement(network, connection, number, seconds_per_step(out)))
            print(_row(measurements, step), flush=True)
    first = measurements[0]
    without_sharing = step.computing(first.workers) + step.on_the_wire(first.workers, first.connection)
    step = replace(step, sharing=first.seconds - without_sharing)
    print(f"sharing takes {1e3 * step.sharing:.1f} ms per step in the first network, in addition to the model")
    return step


def _row(measurements: list[Measurement], step: Step) -> str:
    last = measurements[-1]
    first = next(one for one in measurements if one.workers == last.workers)
    wire, first_wire = (step.on_the_wire(last.workers, one.connection) for one in (last, first))
    shared = last.seconds - step.computing(last.workers)
    columns = [last.seconds, shared, last.seconds - first.seconds, wire - first_wire]
    connection = f"{1e3 * last.connection.round_trip:11.2f}{8e-9 * last.connection.rate:8.2f}"
    return f"{last.network!s:22}{connection}{last.workers:9}" + "".join(f"{1e3 * seconds:8.1f}" for seconds in columns)


def gradient_bytes(config: dict[str, Any]) -> int:
    """The size of the gradient of the network that config.json describes."""
    with tf.Graph().as_default():
        frames = tf.placeholder(tf.uint8, [None, 10, 64, 64, 3])
        training_positions(frames, config["network"], config["num_units"], np.zeros((7, 2), np.float32))
        return 4 * sum(variable.shape.num_elements() for variable in tf.trainable_variables())
