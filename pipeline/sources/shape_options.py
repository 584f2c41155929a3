"""The options --sequence-length and --size of the converters that build sequences from pictures."""

from __future__ import annotations

import argparse

from pipeline.sequence_shape import COURSE_SHAPE, SIZE_STEP, SequenceShape
from support.argument_parser import positive, value_type

LARGEST_SIZE = 1024


@value_type(f"multiple of {SIZE_STEP} up to {LARGEST_SIZE}")
def frame_size(text: str) -> int:
    """The type of --size."""
    value = int(text)
    if value not in range(SIZE_STEP, LARGEST_SIZE + 1, SIZE_STEP):
        raise ValueError(text)
    return value


def add_shape_options(parser: argparse.ArgumentParser) -> None:
    """Adds --sequence-length and --size."""
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
        type=frame_size,
        default=COURSE_SHAPE.height,
        help="width and height of a frame in pixels (default: %(default)s)",
    )


def shape_of(arguments: argparse.Namespace) -> SequenceShape:
    """The SequenceShape that the options give."""
    return SequenceShape(arguments.sequence_length, arguments.size, arguments.size)
