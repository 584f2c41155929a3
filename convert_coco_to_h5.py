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
from pipeline.sequence_shape import COURSE_SHAPE, SequenceShape
from pipeline.sources.coco_conversion import convert_coco
from support.argument_parser import ArgumentParser, positive, value_type
from support.destination import claimed_destination
from support.signals import ended_by_signals
from support.user_error import print_warning, reported_user_errors


def main() -> None:
    with reported_user_errors(), ended_by_signals():
        arguments = parse_arguments()
        source, destination = arguments.annotations, arguments.destination
        shape = SequenceShape(arguments.sequence_length, arguments.size, arguments.size)
        with open(source, "rb"), claimed_destination(destination, source, arguments.overwrite):
            summary = convert_coco(source, arguments.pictures, destination, arguments.joints, arguments.crop, shape)
        print("\n".join(summary.lines))
        for warning in summary.warnings:
            print_warning(warning)
        print(f"wrote {destination}")


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
    parser.add_argument(
        "--sequence-length",
        metavar="N",
        type=positive(int),
        default=COURSE_SHAPE.length,
        help="frames per sequence (default: %(default)s)",
    )
    parser.add_argument(
        "--size",
        metavar="N",
        type=positive(int),
        default=COURSE_SHAPE.height,
        help="width and height of a frame in pixels (default: %(default)s)",
    )
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
