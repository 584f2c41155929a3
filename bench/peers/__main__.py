"""Compares this project's input pipeline with others, each written as its own documentation advises.

Each delivers batches of 16 whole sequences in random order, frames as uint8 and labels as float32, in a separate
process. They take turns, so that other work on the machine affects all of them, and each figure is the median of its
runs. In the first run of each, one batch is compared with the data. --copies makes larger data sets from DATA.h5.

`pip install -r requirements-bench.txt` installs the other projects' packages. Three of them read files of whole
sequences, each 16 times as large as DATA.h5 if sequences overlap as the course's do.
"""

from __future__ import annotations

import argparse
import os

from bench.larger_data import copies
from bench.peers.data import data_of_size, folder_for_files
from bench.peers.table import table
from bench.peers.turns import PEERS, measure_in_turn
from support.argument_parser import ArgumentParser, positive
from support.user_error import reported_user_errors


def main() -> None:
    with reported_user_errors():
        arguments = parse_arguments()
        for number_of_copies in arguments.copies:
            with folder_for_files(arguments.keep) as folder:
                data = data_of_size(os.path.abspath(arguments.data), number_of_copies, folder)
                rows = measure_in_turn(arguments.only, data, folder, arguments.runs, arguments.seconds, arguments.cold)
                print("\n".join([*table(rows, data), ""]), flush=True)


def parse_arguments() -> argparse.Namespace:
    parser = ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="example: python -m bench.peers youtube_train_data.h5 --copies 1 10",
    )
    parser.add_argument("data", metavar="DATA.h5")
    parser.add_argument(
        "--copies",
        nargs="+",
        type=copies,
        default=[1],
        metavar="N",
        help="measure data sets N times as large as DATA.h5 (default: 1)",
    )
    parser.add_argument(
        "--seconds",
        type=positive(float),
        default=4,
        help="seconds per run; bytes read are of whole epochs if there is time for one (default: %(default)s)",
    )
    parser.add_argument("--runs", type=positive(int), default=3, help="runs of each peer (default: %(default)s)")
    parser.set_defaults(cold=False)
    if hasattr(os, "posix_fadvise"):
        parser.add_argument("--cold", action="store_true", help="drop the files from the disk cache before each run")
    parser.add_argument(
        "--only",
        nargs="+",
        choices=list(PEERS),
        default=list(PEERS),
        metavar="NAME",
        help=f"measure only these; default: all of {', '.join(PEERS)}",
    )
    parser.add_argument(
        "--keep",
        metavar="DIR",
        help="keep the files in this folder, and use those that exist (default: a temporary folder)",
    )
    return parser.parse_args()


if __name__ == "__main__":
    main()
