"""Converts the course's pickle to an HDF5 file that holds each different frame once.

Nothing in the pickle is executed.
"""

import argparse
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))  # for python -I and PYTHONSAFEPATH

from pipeline.sources.conversion_summary import summarize_pickle
from pipeline.sources.pickle_conversion import claimed_pickle_paths, convert_pickle
from support.argument_parser import ArgumentParser
from support.signals import ended_by_signals
from support.user_error import reported_user_errors


def main() -> None:
    with reported_user_errors(), ended_by_signals():
        arguments = parse_arguments()
        source = arguments.source
        destination = arguments.destination or os.path.splitext(source)[0] + ".h5"
        with claimed_pickle_paths(source, destination, arguments.overwrite):
            converted = convert_pickle(source, destination)
        summary = summarize_pickle(source, destination, converted)
        print("\n".join(summary.lines))
        for warning in summary.warnings:
            print("warning:", warning, file=sys.stderr)
        print(f"wrote {destination}")


def parse_arguments() -> argparse.Namespace:
    parser = ArgumentParser(
        description=__doc__,
        epilog="example: python convert_pkl_to_h5.py youtube_train_data.pkl",
    )
    parser.add_argument("source", metavar="SOURCE", help="the pickle, or the .zip that holds it")
    parser.add_argument(
        "destination",
        metavar="DESTINATION.h5",
        nargs="?",
        help="default: beside SOURCE, under its name with .h5 in place of .pkl or .zip",
    )
    parser.add_argument("--overwrite", action="store_true", help="replace DESTINATION.h5 if it exists")
    return parser.parse_args()


if __name__ == "__main__":
    main()
