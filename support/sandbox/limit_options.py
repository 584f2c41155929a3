"""The options --time-limit, --memory-limit and --trust for an untrusted model."""

from __future__ import annotations

import argparse

from support.argument_parser import positive
from support.machine import memory_bytes, usable_cores
from support.sandbox.limits import Limits, can_limit_memory
from support.user_error import print_warning

DEFAULT_SECONDS = 600.0


def add_limit_options(parser: argparse._ActionsContainer, time_limit_help: str, megabytes: int | None = None) -> None:
    """Adds --time-limit, --memory-limit and --trust.

    time_limit_help: what the command limits. megabytes: the default memory limit, None for the machine's memory.
    """
    parser.add_argument(
        "--time-limit",
        type=positive(float),
        default=DEFAULT_SECONDS,
        metavar="SECONDS",
        help=f"{time_limit_help} (default: %(default)g)",
    )
    parser.add_argument(
        "--memory-limit",
        type=positive(int),
        default=megabytes,
        metavar="MB",
        help=f"memory for one model in MB, not counting TensorFlow itself; enforced only on Linux "
        f"(default: {megabytes or 'all of it'})",
    )
    parser.add_argument(
        "--trust",
        action="store_true",
        help="also run graphs with ops that no network needs; such a graph can read and delete files, and use the "
        "network",
    )


def limits_of(arguments: argparse.Namespace, is_total: bool = False, threads: int = 0) -> Limits:
    """The Limits that the options give; warns if memory cannot be limited.

    is_total: whether --time-limit also limits the total time. threads: that the model computes with; 0: one per usable
    core.
    """
    if arguments.memory_limit is not None and not can_limit_memory():
        print_warning("this operating system cannot enforce --memory-limit")
    size = memory_bytes()
    return Limits(
        seconds=arguments.time_limit if is_total else None,
        answer_seconds=arguments.time_limit,
        megabytes=arguments.memory_limit or (size // 1_000_000 if size else None),
        threads=threads or usable_cores(),
    )
