"""Measures train.py on several workers of this machine and compares it with a model of the network, or kills workers.

Each worker has one core, a single worker too. More workers than cores show what sharing costs, not what it gains. The
time that the network adds to a step is compared with the model.

With --rate or --delay, each worker has a separate network namespace (Linux; needs root, ip and tc). tc's tbf limits the
rate. tc's netem delays packets if the kernel has it. Otherwise a relay does: a process that reads each packet from a
TUN device and writes it to the device of its destination after the delay. The relay takes time itself, so the round
trip and the rate of a TCP connection are measured and given to the model.
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
from bench.scale_out.network_model import print_predictions
from bench.scale_out.places import Network
from pipeline.demo.data import write_demo_pickle
from pipeline.sources.pickle_conversion import convert_pickle
from support.argument_parser import ArgumentParser, positive
from support.user_error import reported_user_errors


def main() -> None:
    # So that started processes and network devices are removed.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    with reported_user_errors(), tempfile.TemporaryDirectory() as scratch:
        arguments, options = parse_arguments()
        folder = Path(scratch)
        # Kills need short rounds, and so little data.
        size = (6, 25) if arguments.kills else (20, 41)
        data = os.path.abspath(arguments.data) if arguments.data else drawn_people(folder, *size)
        networks = [Network(rate, delay) for delay, rate in itertools.product(arguments.delay, arguments.rate)]
        if arguments.kills:
            kill_again_and_again(data, folder, arguments.kills, arguments.workers[0], options)
            return
        limit = ["--time-limit", str(arguments.time_limit), "--evaluations", "4", "--validation-sequences", "20"]
        options = [*limit, "--precision", "float32", *options]
        print_predictions(measure(data, folder, arguments.workers, networks, options))


def parse_arguments() -> tuple[argparse.Namespace, list[str]]:
    parser = ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
        epilog="other options are train.py's; example: python -m bench.scale_out --rate none 1gbit --delay 0 1",
    )
    parser.add_argument("--data", metavar="DATA.h5", help="default: drawn people")
    parser.add_argument("--workers", nargs="+", type=positive(int), default=[2], metavar="W", help="default: 2")
    parser.add_argument("--time-limit", type=positive(float), default=20, help="seconds per run (default: %(default)s)")
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
    parser.add_argument("--kills", type=positive(int), metavar="N", help="kill workers N times instead of measuring")
    return parser.parse_known_args()


def drawn_people(folder: Path, videos: int, frames: int) -> str:
    """Draws videos of this many frames and converts them; returns the path."""
    write_demo_pickle(folder / "people.pkl", videos, frames, seed=1)
    convert_pickle(folder / "people.pkl", folder / "people.h5")
    return str(folder / "people.h5")


if __name__ == "__main__":
    main()
