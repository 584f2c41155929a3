"""The options --sequence-length and --size of the converters that build sequences from pictures."""

from __future__ import annotations

import argparse
from collections.abc import Callable

from pipeline.sequence_shape import COURSE_SHAPE, SequenceShape
from support.argument_parser import positive


def add_shape_options(parser: argparse.ArgumentParser, size: Callable[[str], int]) -> None:
    """Adds --sequence-length and --size. size: the type of --size."""
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
        type=size,
        default=COURSE_SHAPE.height,
        help="width and height of a frame in pixels (default: %(default)s)",
    )


def shape_of(arguments: argparse.Namespace) -> SequenceShape:
    """The SequenceShape that the options give."""
    return SequenceShape(arguments.sequence_length, arguments.size, arguments.size)
