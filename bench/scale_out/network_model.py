"""A model of the time that a training step takes on several machines, and the speeds that it predicts.

TensorFlow adds up in a ring (tensorflow/core/common_runtime/ring_reducer.cc): with W workers, 1/W of the numbers goes
round twice, in 2 (W - 1) hops. The receiver asks for each piece (RecvBuf), so a hop takes a round trip.
"""

from __future__ import annotations

import dataclasses

from bench.scale_out.places import Connection

MACHINES = (1, 2, 4, 8, 16, 32)
# Round trips are twice the delay.
NETWORKS = {
    "1 Gbit/s, 1 ms": Connection(2e-3, 125e6),
    "10 Gbit/s, 1 ms": Connection(2e-3, 1250e6),
    "10 Gbit/s, 0.1 ms": Connection(2e-4, 1250e6),
}
BATCHES = (1, 8, 64)  # times the measured one
ACCUMULATED = 4  # batches per step


@dataclasses.dataclass(frozen=True)
class Step:
    """A training step, without the network."""

    batch: int  # sequences
    fixed: float  # seconds
    each: float  # seconds per sequence
    gradient: int  # bytes, exchanged in one collective
    sharing: float = 0.0  # seconds that are added on several machines
    exchanges: float = 1.0  # of the gradient, per step

    def computing(self, machines: int) -> float:
        """Seconds on the slowest machine, which has the most sequences of the batch."""
        return self.fixed + self.each * -(-self.batch // machines) + (self.sharing if machines > 1 else 0.0)

    def on_the_wire(self, machines: int, network: Connection) -> float:
        """Seconds that the network adds."""
        hop = network.round_trip + self.gradient / machines / network.rate
        return 2 * (machines - 1) * hop * self.exchanges

    def speed(self, machines: int, network: Connection) -> float:
        """Sequences per second."""
        return self.batch / (self.computing(machines) + self.on_the_wire(machines, network))


def measured_step(seconds_by_batch: dict[int, float], gradient: int) -> Step:
    """The straight line through the two batch sizes measured on one machine."""
    (fewer, less), (more, longer) = sorted(seconds_by_batch.items())
    each = (longer - less) / (more - fewer)
    return Step(more, less - each * fewer, each, gradient)


def print_predictions(step: Step) -> None:
    """Prints sequences per second by network, batch and number of machines, and what other exchanges would gain.

    The gains are those at the number of machines that is fastest, two at least.
    """
    print("\nsequences/s by the number of machines, as the model predicts; what bfloat16 on the wire would gain,")
    print(f"one exchange of the gradient per {ACCUMULATED} batches, and {ACCUMULATED} times the batch")
    columns = "".join(f"{machines:8}" for machines in MACHINES)
    print(f"{'network':19}{'batch':>6}{columns}{'bfloat16':>10}{'accumulated':>13}{'larger batch':>14}")
    for name, network in NETWORKS.items():
        for times in BATCHES:
            larger = dataclasses.replace(step, batch=step.batch * times)
            speeds = {machines: larger.speed(machines, network) for machines in MACHINES}
            fastest = max(MACHINES[1:], key=lambda machines: speeds[machines])
            gains = [other.speed(fastest, network) / speeds[fastest] - 1 for other in _other_exchanges(larger)]
            shown = "".join(f"{speed:8.1f}" for speed in speeds.values())
            print(f"{name:19}{larger.batch:6}{shown}{gains[0]:10.0%}{gains[1]:13.0%}{gains[2]:14.0%}")


def _other_exchanges(step: Step) -> list[Step]:
    """Three variants of the step: with half of the gradient's bytes; with a gradient that is exchanged once in
    ACCUMULATED batches; and with a batch ACCUMULATED times as large.
    """
    return [
        dataclasses.replace(step, gradient=step.gradient // 2),
        dataclasses.replace(step, exchanges=1 / ACCUMULATED),
        dataclasses.replace(step, batch=ACCUMULATED * step.batch),
    ]
