"""Shows a converted data set before anything is trained on it, and warns of implausible data.

It reads all of the file, which also verifies its checksums. With --out it writes a page: frames with their labels, one
sequence in motion, where each joint is, and what each split would share with training.
"""

import argparse
import contextlib
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))  # for python -I and PYTHONSAFEPATH

from pipeline.inspection import inspect_store
from pipeline.store.reader import SequenceStore
from report.data_page import write_data_page
from support.argument_parser import ArgumentParser
from support.destination import claimed_destination
from support.signals import ended_by_signals
from support.user_error import print_warning, reported_user_errors


def main() -> None:
    with reported_user_errors(), ended_by_signals(), contextlib.ExitStack() as stack:
        arguments = parse_arguments()
        store = stack.enter_context(SequenceStore(arguments.data))
        if arguments.out:
            # Checked before the work begins.
            stack.enter_context(claimed_destination(arguments.out, arguments.data, arguments.overwrite))
        inspection = inspect_store(store)
        splits = [(f"split {kind}", text) for kind, text in inspection.splits]
        for name, value in [*inspection.facts, *splits]:
            print(f"{name:23}{value}")
        for warning in inspection.warnings:
            print_warning(warning)
        if arguments.out:
            write_data_page(arguments.out, store, inspection)
            print(f"wrote {arguments.out}")


def parse_arguments() -> argparse.Namespace:
    parser = ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="example: python inspect_h5.py youtube_train_data.h5 --out data.html",
    )
    parser.add_argument("data", metavar="DATA.h5", help="a data set, written by a convert command")
    parser.add_argument("--out", metavar="PAGE.html", help="also write a page with pictures")
    parser.add_argument("--overwrite", action="store_true", help="replace PAGE.html if it exists")
    return parser.parse_args()


if __name__ == "__main__":
    main()
