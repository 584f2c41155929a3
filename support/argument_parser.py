"""The argument parser that all commands share, and types for the values of their options."""

from __future__ import annotations

import argparse
import functools
import math
from collections.abc import Callable
from typing import Any, NoReturn, TypeVar

from support.user_error import UserError
from support.version import VERSION

Value = TypeVar("Value")
Number = TypeVar("Number", int, float)

LONGEST_VALUE = 80  # characters that an error quotes


class ArgumentParser(argparse.ArgumentParser):
    """argparse's parser with --version. An invalid command line raises UserError."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.add_argument(
            "--version",
            action="version",
            version=f"%(prog)s {VERSION}",
            default=argparse.SUPPRESS,
            help="print the version and exit",
        )

    def error(self, message: str) -> NoReturn:
        raise UserError(f"{message} ({self.prog} --help lists the options)")


def value_type(name: str) -> Callable[[Callable[[str], Value]], Callable[[str], Value]]:
    """Decorates a function that parses an option's text, for `type=` in add_argument.

    If the function raises ValueError, the error reads "'TEXT' is not a NAME".
    """

    def decorate(parse: Callable[[str], Value]) -> Callable[[str], Value]:
        @functools.wraps(parse)
        def parse_option(text: str) -> Value:
            try:
                return parse(text)
            except ValueError:
                shown = text if len(text) <= LONGEST_VALUE else f"{text[:LONGEST_VALUE]}…"
                raise argparse.ArgumentTypeError(f"{shown!r} is not a {name}") from None

        return parse_option

    return decorate


def positive(kind: type[Number]) -> Callable[[str], Number]:
    """The type of an option whose value is finite and greater than 0. kind: int or float."""

    @value_type("positive number" if kind is float else "positive whole number")
    def parse(text: str) -> Number:
        value = kind(text)
        if not 0 < value < math.inf:
            raise ValueError(text)
        return value

    return parse
