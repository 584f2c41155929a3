"""Makes a data set, an HDF5 file, from people that you labelled yourself in pictures or frames of videos.

Annotation tools write the labels as COCO keypoints: a JSON file. Every person with all seven joints is used: head (or
nose), shoulders, elbows and wrists. If the file says which pictures are frames of a video, they become sequences of
moving people. Other pictures become sequences that repeat a picture.
"""

import argparse
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))  # for python -I and PYTHONSAFEPATH

from pipeline.joints import JOINT_NAMES
from pipeline.sources.coco_conversion import convert_coco
from pipeline.sources.conversion_summary import print_summary
from pipeline.sources.shape_options import add_shape_options, shape_of
from support.argument_parser import ArgumentParser, value_type
from support.destination import claimed_destination
from support.signals import ended_by_signals
from support.user_error import reported_user_errors


def main() -> None:
    with reported_user_errors(), ended_by_signals():
        arguments = parse_arguments()
        source, destination = arguments.annotations, arguments.destination
        with open(source, "rb"), claimed_destination(destination, source, arguments.overwrite):
            summary = convert_coco(
                source, arguments.pictures, destination, arguments.joints, arguments.crop, shape_of(arguments)
            )
        print_summary(summary.lines, summary.warnings, destination)


def parse_arguments() -> argparse.Namespace:
    parser = ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="example: python convert_coco_to_h5.py person_keypoints.json pictures own.h5",
    )
    parser.add_argument("annotations", metavar="ANNOTATIONS.json", help="a COCO keypoints file")
    parser.add_argument("pictures", metavar="PICTURES_DIR", help="the folder of its pictures")
    parser.add_argument("destination", metavar="DESTINATION.h5", help="the file to write")
    parser.add_argument(
        "--joints",
        metavar="JOINT=NAME,...",
        type=joint_names,
        default={},
        help="the file's names of joints, such as 'head=forehead,left wrist=hand_l' (default: those of COCO)",
    )
    parser.add_argument(
        "--crop",
        choices=("person", "none"),
        default="person",
        help="person: cut out the surroundings of each person; none: scale whole pictures (default: %(default)s)",
    )
    add_shape_options(parser)
    parser.add_argument("--overwrite", action="store_true", help="replace DESTINATION.h5 if it exists")
    return parser.parse_args()


@value_type(f"list such as head=nose of names for {', '.join(JOINT_NAMES)}")
def joint_names(text: str) -> dict[str, str]:
    names = dict(part.split("=", 1) for part in text.split(","))
    if not names.keys() <= set(JOINT_NAMES):
        raise ValueError(text)
    return names


if __name__ == "__main__":
    main()
