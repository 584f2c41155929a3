"""Measures train.py on several workers of this machine and holds a model of the network against it, or kills workers.

Each worker has a core of its own as far as there are any, a lone worker too. More workers than cores show what sharing
costs, not what it gains. Two are compared with the model: what of a step is not computing, in each network.

With --rate or --delay, each worker has a network namespace of its own (Linux; it needs root, ip and tc). tc's tbf
limits the rate. tc's netem delays packets where the kernel has it. Where it has not, a relay does: a process that reads
each packet from a TUN device, and writes it to the device of its destination when its time has come. The relay takes
time itself, so the round trip and the rate of a TCP connection are measured, and the model takes these.
"""

from __future__ import annotations

import argparse
import itertools
import os
import signal
import sys
import tempfile
from pathlib import Path

from bench.scale_out.kills import kill_again_and_again
from bench.scale_out.measurement import measure
from bench.scale_out.places import Network
from bench.scale_out.reach import show_reach
from pipeline.demo.data import write_demo_pickle
from pipeline.sources.pickle_conversion import convert_pickle
from support.argument_parser import ArgumentParser, positive
from support.user_error import reported_user_errors


def main() -> None:
    # So that what was started and made is taken away.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    with reported_user_errors(), tempfile.TemporaryDirectory() as scratch:
        arguments, options = parse_arguments()
        folder = Path(scratch)
        # Few, so that a round is short.
        size = (6, 25) if arguments.kills else (20, 41)
        data = os.path.abspath(arguments.data) if arguments.data else drawn_people(folder, *size)
        networks = [Network(rate, delay) for delay, rate in itertools.product(arguments.delay, arguments.rate)]
        if arguments.kills:
            kill_again_and_again(data, folder, arguments.kills, arguments.workers[0], options)
            return
        limit = ["--time-limit", str(arguments.time_limit), "--evaluations", "4", "--validation-sequences", "20"]
        found = measure(data, folder, arguments.workers, networks, [*limit, "--precision", "float32", *options])
        show_reach(found)


def parse_arguments() -> tuple[argparse.Namespace, list[str]]:
    parser = ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
        epilog="other options are train.py's; example: python -m bench.scale_out --rate none 1gbit --delay 0 1",
    )
    parser.add_argument("--data", metavar="DATA.h5", help="default: people that are drawn for the measurement")
    parser.add_argument("--workers", nargs="+", type=positive(int), default=[2], metavar="W", help="default: 2")
    parser.add_argument("--time-limit", type=positive(float), default=20, help="seconds a run (default: %(default)s)")
    parser.add_argument(
        "--rate",
        nargs="+",
        type=lambda text: None if text == "none" else text,
        default=[None],
        help="of each worker's network, as tc takes it: none 1gbit 10gbit (default: none)",
    )
    parser.add_argument(
        "--delay", nargs="+", type=float, default=[0.0], metavar="MS", help="of each packet, one way (default: 0)"
    )
    parser.add_argument("--kills", type=positive(int), metavar="N", help="kill workers so many times; measure nothing")
    return parser.parse_known_args()


def drawn_people(folder: Path, videos: int, frames: int) -> str:
    """Converts so many drawn videos of so many frames; returns the path."""
    write_demo_pickle(folder / "people.pkl", videos, frames, seed=1)
    convert_pickle(folder / "people.pkl", folder / "people.h5")
    return str(folder / "people.h5")


if __name__ == "__main__":
    main()
