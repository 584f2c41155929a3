"""A number with its noun, as English has it: 1 frame, 2 frames."""

from __future__ import annotations


def counted(number: int, noun: str) -> str:
    """The number and the noun, which gets an s unless the number is 1.

    The package inflect was considered: it knows the plurals of all nouns, where those here are regular.
    """
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
