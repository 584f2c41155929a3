"""Converts the course's pickle to an HDF5 file that contains each distinct frame once.

The pickle is a tuple of two NumPy arrays: frames (N, 10, 64, 64, 3), 8-bit RGB, and labels (N, 10, 7, 2), the x and y
of seven joints in pixels. `pickle.load` reads all of it into memory at once, and runs any code that a hostile file
contains. Training needs only a few random sequences at a time, and HDF5 can read these alone. The conversion, once:

1. The pickle's opcodes are parsed, without executing any, until the position of both arrays in the file is known.
2. The frames are read from there, 64 sequences at a time, so memory stays small.
3. Each distinct frame gets a number and is written once. Sequences overlap: the 86,000 frames of both of
   the course's pickles are 5,000 distinct ones. A sequence is stored as ten frame numbers: `frames[sequences[i]]` are
   the frames of sequence i.
4. Sequences that share frames come from the same video, and a video shows one person. So training can hold out whole
   videos, to validate on people that it has not seen.
5. The labels are stored as float32. Everything has checksums, so that damage is detected when it is read.

The file is written under a temporary name and renamed when it is complete. `convert_pickle` does the work; docs/HDF5.md
describes the format.
"""

import argparse
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))  # for python -I and PYTHONSAFEPATH

from pipeline.sources.conversion_summary import print_summary
from pipeline.sources.pickle_conversion import convert_pickle
from support.argument_parser import ArgumentParser
from support.destination import claimed_destination
from support.signals import ended_by_signals
from support.user_error import reported_user_errors


def main() -> None:
    with reported_user_errors(), ended_by_signals():
        arguments = parse_arguments()
        source = arguments.source
        destination = arguments.destination or os.path.splitext(source)[0] + ".h5"
        # Both are checked before the work begins, and no other command may write the destination in the meantime.
        with open(source, "rb"), claimed_destination(destination, source, arguments.overwrite):
            summary = convert_pickle(source, destination)
        print_summary(summary.lines, summary.warnings, destination)


def parse_arguments() -> argparse.Namespace:
    parser = ArgumentParser(
        description="Converts the course's pickle to an HDF5 file that contains each distinct frame once. No code in "
        "the pickle is executed.",
        epilog="example: python convert_pkl_to_h5.py youtube_train_data.pkl",
    )
    parser.add_argument("source", metavar="SOURCE", help="the pickle, a .zip file that contains it, or an .npz")
    parser.add_argument(
        "destination",
        metavar="DESTINATION.h5",
        nargs="?",
        help="the file to write (default: SOURCE with the extension .h5)",
    )
    parser.add_argument("--overwrite", action="store_true", help="replace DESTINATION.h5 if it exists")
    return parser.parse_args()


if __name__ == "__main__":
    main()
