"""Where each worker runs: on a separate core while there are any, on loopback or in a network namespace."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass

from bench.scale_out.delaying_relay import DEVICE
from support.user_error import UserError

# One packet or two, as the kernel hands them over, so that larger amounts wait for the rate.
BURST = "128kb"


@dataclass(frozen=True)
class Place:
    """Where a worker runs."""

    address: str  # IP address
    command_prefix: list[str]  # runs a command there


@dataclass(frozen=True)
class Network:
    """A network to emulate."""

    rate: str | None = None  # of each worker, as tc takes it; None for no limit
    delay: float = 0.0  # of each packet, one way, ms

    def __str__(self) -> str:
        return "loopback" if self == Network() else f"{self.rate or 'any rate'}, {self.delay:g} ms"


@dataclass(frozen=True)
class Connection:
    """A TCP connection."""

    round_trip: float  # seconds
    rate: float  # bytes per second


@contextlib.contextmanager
def places(workers: int, network: Network) -> Iterator[list[Place]]:
    """Yields a place for each worker: in a separate network namespace, or on loopback if nothing is limited.

    A bridge joins the namespaces. tc's netem delays packets, or a relay if the kernel has no netem. All is removed at
    the end. Raises UserError if rights or tools are missing.
    """
    if network == Network():
        yield [Place("127.0.0.1", _on_core(number)) for number in range(workers)]
        return
    # Names of interfaces have 15 letters at most.
    stem = f"pose{os.getpid() % 10**5}"
    names = {f"10.99.0.{number + 1}": f"{stem}n{number + 1}" for number in range(workers)}
    with contextlib.ExitStack() as removed:
        for name in names.values():
            _run(f"ip netns add {name}")
            removed.callback(_run, f"ip netns del {name}")
            _run(f"ip -n {name} link set lo up")
        if network.delay and not _has_netem(next(iter(names.values()))):
            removed.enter_context(_relay(names, network.delay))
        else:
            _run(f"ip link add {stem} type bridge", f"ip link set {stem} up")
            removed.callback(_run, f"ip link del {stem}")
            for name in names.values():
                _run(f"ip link add {name}a type veth peer name {DEVICE} netns {name}")
                # The kernel removes the devices of a namespace only later.
                removed.callback(_run, f"ip link del {name}a")
                _run(f"ip link set {name}a master {stem} up")
        for address, name in names.items():
            _run(
                f"ip -n {name} addr add {address}/24 dev {DEVICE}",
                f"ip -n {name} link set {DEVICE} txqueuelen 10000 up",
            )
            _shape(name, network)
        yield [
            Place(address, ["ip", "netns", "exec", name, *_on_core(number)])
            for number, (address, name) in enumerate(names.items())
        ]


def measured_connection(network: Network) -> Connection:
    """A TCP connection between two places of such a network."""
    command = [sys.executable, "-m", "bench.scale_out.round_trip"]
    with places(2, network) as (first, second):
        serve = [*first.command_prefix, *command, "serve", first.address]
        with subprocess.Popen(serve, stdout=subprocess.PIPE, text=True) as server:
            try:
                assert server.stdout is not None
                server.stdout.readline()
                ask = [*second.command_prefix, *command, "ask", first.address]
                answer = subprocess.run(ask, check=True, capture_output=True, text=True, timeout=60).stdout
            finally:
                server.kill()
    milliseconds, gigabits = map(float, answer.split())
    return Connection(milliseconds / 1e3, gigabits * 1e9 / 8)


def _on_core(number: int) -> list[str]:
    cores = sorted(os.sched_getaffinity(0))
    return ["taskset", "-c", str(cores[number % len(cores)])]


def _has_netem(name: str) -> bool:
    is_there = subprocess.run(f"tc -n {name} qdisc add dev lo root netem".split(), capture_output=True).returncode == 0
    if is_there:
        _run(f"tc -n {name} qdisc del dev lo root")
    return is_there


def _shape(name: str, network: Network) -> None:
    """Limits the rate of what leaves a namespace, and delays it unless a relay does."""
    if network.rate:
        # The queue holds what a worker sends at once. As with a network card, the sender waits and nothing is lost.
        _run(f"tc -n {name} qdisc add dev {DEVICE} root handle 1: tbf rate {network.rate} burst {BURST} limit 100mb")
    if network.delay and _has_netem(name):
        parent = "parent 1:" if network.rate else "root"
        _run(f"tc -n {name} qdisc add dev {DEVICE} {parent} netem delay {network.delay}ms limit 100000")


@contextlib.contextmanager
def _relay(names: dict[str, str], delay: float) -> Iterator[None]:
    """names: of the namespaces, by address. delay: ms."""
    command = [sys.executable, "-m", "bench.scale_out.delaying_relay", str(delay)]
    command += [f"{address}={name}" for address, name in names.items()]
    # A separate session: Ctrl-C is for this process, which then closes the pipe.
    with subprocess.Popen(
        command, start_new_session=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        if process.stdout.readline() != "ready\n":
            raise UserError("--delay cannot create a TUN device; run it as root on a system with /dev/net/tun")
        yield


def _run(*commands: str) -> None:
    for command in commands:
        try:
            subprocess.run(command.split(), check=True, capture_output=True, text=True)
        except (OSError, subprocess.CalledProcessError) as error:
            why = getattr(error, "stderr", None) or error
            raise UserError(f"{command}: {str(why).strip()}; --rate and --delay need root, ip and tc") from None
