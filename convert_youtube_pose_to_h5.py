"""Makes the course's data set, an HDF5 file, from the YouTube Pose release."""

import argparse
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))  # for python -I and PYTHONSAFEPATH

from pipeline.sources.conversion_summary import print_summary
from pipeline.sources.release_conversion import claimed_release_paths, convert_release
from pipeline.sources.sequence_frames import COURSE_STRIDES
from pipeline.sources.shape_options import add_shape_options, shape_of
from pipeline.sources.youtube_pose_release import MAT_FILE
from support.argument_parser import ArgumentParser, positive, value_type
from support.signals import ended_by_signals
from support.user_error import print_warning, reported_user_errors


def main() -> None:
    with reported_user_errors(), ended_by_signals():
        arguments = parse_arguments()
        release, destination, withheld = arguments.release, arguments.destination, arguments.withheld
        with claimed_release_paths(release, destination, withheld, arguments.overwrite):
            converted = convert_release(release, destination, withheld, arguments.strides, shape_of(arguments))
        for part in converted.parts:
            print_summary(part.lines, part.warnings, part.path)
        for warning in converted.warnings:
            print_warning(warning)


def parse_arguments() -> argparse.Namespace:
    parser = ArgumentParser(
        description=__doc__,
        epilog="example: python convert_youtube_pose_to_h5.py YouTube_Pose_dataset_1.0 data.h5",
    )
    parser.add_argument("release", metavar="RELEASE_DIR", help=f"the folder that contains {MAT_FILE}")
    parser.add_argument("destination", metavar="DESTINATION.h5", help="the file to write")
    parser.add_argument(
        "--withheld",
        metavar="N",
        type=positive(int),
        help="write the last N sequences to DESTINATION_withheld.h5 instead (the course withheld 1600)",
    )
    parser.add_argument(
        "--strides",
        metavar="S,...",
        type=strides,
        default=COURSE_STRIDES,
        help="distances between the frames of a sequence: first all sequences with the first distance, then all with "
        "the next one (default: 1,2: consecutive frames, then every other frame)",
    )
    add_shape_options(parser)
    parser.add_argument("--overwrite", action="store_true", help="replace existing files")
    return parser.parse_args()


@value_type("list of different positive numbers such as 1,2")
def strides(text: str) -> tuple[int, ...]:
    values = tuple(map(int, text.split(",")))
    if min(values) < 1 or len(set(values)) < len(values):
        raise ValueError(text)
    return values


if __name__ == "__main__":
    main()
