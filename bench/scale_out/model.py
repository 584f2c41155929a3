"""A model of the time that a training step takes on several machines.

TensorFlow adds up in a ring (tensorflow/core/common_runtime/ring_reducer.cc): of W workers, a W-th of the numbers goes
round twice, in 2 (W - 1) hops. The receiver asks for each piece (RecvBuf), so that a hop takes a round trip.
"""

from __future__ import annotations

from typing import NamedTuple

from bench.scale_out.places import Measured


class Gradient(NamedTuple):
    """size: bytes. collectives: in a step, that of the gradient among them."""

    size: int
    collectives: int


class Computing(NamedTuple):
    """Seconds of a step on one machine: `fixed`, and `each` for each sequence; on several, `sharing` is added."""

    fixed: float
    each: float
    sharing: float = 0.0

    def seconds(self, machines: int, batch: int) -> float:
        """The slowest machine has the most sequences of the batch."""
        return self.fixed + self.each * -(-batch // machines) + (self.sharing if machines > 1 else 0.0)


def computing_of(seconds_by_batch: dict[int, float]) -> Computing:
    """The straight line through the two batch sizes measured."""
    (fewer, less), (more, longer) = sorted(seconds_by_batch.items())
    each = (longer - less) / (more - fewer)
    return Computing(less - each * fewer, each)


def wire_seconds(machines: int, gradient: Gradient, network: Measured) -> float:
    """What the network adds to a step."""
    a_hop = gradient.collectives * network.round_trip + gradient.size / machines / network.rate
    return 2 * (machines - 1) * a_hop


def speed(machines: int, batch: int, computing: Computing, gradient: Gradient, network: Measured) -> float:
    """Sequences/s."""
    return batch / (computing.seconds(machines, batch) + wire_seconds(machines, gradient, network))
