"""The argument parser that all commands share, and types for the values of their options."""

from __future__ import annotations

import argparse
import functools
import math
import os
import re
import sys
from collections.abc import Callable, Sequence
from typing import Any, NoReturn, TypeVar

from support.user_error import UserError
from support.version import VERSION

Value = TypeVar("Value")
Number = TypeVar("Number", int, float)

LONGEST_VALUE = 80  # characters that an error quotes
# A file name that begins with a hyphen, as names of downloaded videos do, rather than a mistyped option.
HYPHENATED_NAME = re.compile(r"-[^-].+|--.*\.\w+", re.DOTALL)
NEGATIVE_NUMBER = re.compile(r"-\d*\.?\d*(e[+-]?\d+)?", re.IGNORECASE)


class ArgumentParser(argparse.ArgumentParser):
    """argparse's parser with --version. An invalid command line raises UserError.

    An argument that begins with a hyphen and is the name of an existing file, but not an option, is taken as the file.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.add_argument(
            "--version",
            action="version",
            version=f"%(prog)s {VERSION}",
            default=argparse.SUPPRESS,
            help="print the version and exit",
        )

    # typeshed has overloads for the type of the namespace, which the commands do not choose.
    def parse_known_args(self, args: Sequence[str] | None = None, namespace: Any = None) -> Any:  # type: ignore[override]
        self._given = list(sys.argv[1:] if args is None else args)
        are_files = (self._looks_like_a_file(argument) and os.path.lexists(argument) for argument in self._given)
        names = [
            os.path.join(os.curdir, argument) if is_file else argument
            for argument, is_file in zip(self._given, are_files, strict=True)
        ]
        return super().parse_known_args(names, namespace)

    def error(self, message: str) -> NoReturn:
        names = [argument for argument in self._given if self._looks_like_a_file(argument)]
        advice = f"; if {names[0]} is a file, give it as {os.path.join(os.curdir, names[0])}" if names else ""
        raise UserError(f"{message}{advice} ({self.prog} --help lists the options)")

    def _looks_like_a_file(self, argument: str) -> bool:
        """Whether the argument begins with a hyphen but is no option of this parser, nor a number."""
        option = argument.split("=", 1)[0]
        is_option = any(known == option or known.startswith(option) for known in self._option_string_actions)
        is_name = HYPHENATED_NAME.fullmatch(argument) and not NEGATIVE_NUMBER.fullmatch(argument)
        return bool(is_name) and not is_option


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
