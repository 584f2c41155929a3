"""The options that limit a stranger's model, and what they come to."""

from __future__ import annotations

import argparse
import os
import sys

from support.argument_parser import positive
from support.sandbox.limits import Limits, can_limit_memory

SECONDS_OF_ANSWER = 600.0


def add_limit_options(parser: argparse.ArgumentParser) -> None:
    """Adds --time-limit and --memory-limit, for a model that is run for as long as there is data."""
    parser.add_argument(
        "--time-limit",
        type=positive(float),
        default=SECONDS_OF_ANSWER,
        metavar="S",
        help="seconds that the model may take to answer (default: %(default)g)",
    )
    parser.add_argument(
        "--memory-limit", type=positive(int), metavar="MB", help="that the model may take (default: the machine's)"
    )


def limits_of(arguments: argparse.Namespace) -> Limits:
    """The Limits of a command line with these options; warns where memory cannot be limited."""
    if arguments.memory_limit is not None and not can_limit_memory():
        print("warning: this operating system cannot hold a model to --memory-limit", file=sys.stderr)
    return Limits(answer_seconds=arguments.time_limit, megabytes=arguments.memory_limit or memory_of_machine())


def memory_of_machine() -> int | None:
    """In MB; None where the operating system does not say."""
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 1_000_000
    except (AttributeError, ValueError, OSError):
        return None
