"""To how many machines the model says that a network leads, and what fewer bytes or fewer collectives would bring."""

from __future__ import annotations

from bench.scale_out.measurement import Measurements
from bench.scale_out.model import Gradient, speed
from bench.scale_out.places import Measured

MACHINES = (1, 2, 4, 8, 16, 32)
# Round trips are twice the delay.
NETWORKS = {
    "1 Gbit/s, 1 ms": Measured(2e-3, 125e6),
    "10 Gbit/s, 1 ms": Measured(2e-3, 1250e6),
    "10 Gbit/s, 0.1 ms": Measured(2e-4, 1250e6),
}
BATCHES = (1, 8, 64)  # times that measured
ACCUMULATED = 4  # batches a step


def show_reach(found: Measurements) -> None:
    """Prints sequences/s by network, batch and number of machines."""
    print("\nsequences/s that the model says, by the number of machines; what bfloat16 on the wire would gain,")
    print(
        f"what {ACCUMULATED} batches a collective of the gradient would, and what {ACCUMULATED} times the batch would"
    )
    columns = "".join(f"{machines:8}" for machines in MACHINES)
    print(f"{'network':19}{'batch':>6}{columns}{'bfloat16':>10}{'accumulated':>13}{'larger batch':>14}")
    for name, network in NETWORKS.items():
        for times in BATCHES:
            batch = found.batch * times
            speeds = {
                machines: speed(machines, batch, found.computing, found.gradient, network) for machines in MACHINES
            }
            print(
                f"{name:19}{batch:6}"
                + "".join(f"{value:8.1f}" for value in speeds.values())
                + f"{_gain(found, batch, network, speeds, bfloat16):10.0%}"
                + f"{_gain(found, batch, network, speeds, accumulated):13.0%}"
                + f"{_gain(found, batch, network, speeds, larger):14.0%}"
            )


def bfloat16(found: Measurements, machines: int, batch: int, network: Measured) -> float:
    """Sequences/s with half of the bytes."""
    half = found.gradient._replace(size=found.gradient.size // 2)
    return speed(machines, batch, found.computing, half, network)


def accumulated(found: Measurements, machines: int, batch: int, network: Measured) -> float:
    """Sequences/s where the gradient is exchanged once in ACCUMULATED batches; batch normalization is in each."""
    gradient = found.gradient
    rarer = Gradient(gradient.size // ACCUMULATED, gradient.collectives - 1)
    return speed(machines, batch, found.computing, rarer, network)


def larger(found: Measurements, machines: int, batch: int, network: Measured) -> float:
    """Sequences/s with --batch-size so many times as large: Adam's steps are as many as with accumulated batches."""
    return speed(machines, ACCUMULATED * batch, found.computing, found.gradient, network)


def _gain(found: Measurements, batch: int, network: Measured, speeds: dict[int, float], other) -> float:
    """At the number of machines that is fastest without: what a run would take."""
    machines = max(speeds, key=lambda number: speeds[number])
    if machines == 1:
        machines = 2
    return other(found, machines, batch, network) / speeds[machines] - 1
