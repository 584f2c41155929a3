"""Text for people: plurals, and messages that are safe to print."""

from __future__ import annotations

LONGEST_MESSAGE = 2000  # characters


def counted(number: int, noun: str) -> str:
    """The number and its noun, with an s unless the number is 1: "1 frame", "2 frames".

    All nouns here are regular; the package inflect knows the irregular ones, too.
    """
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def printable(message: str) -> str:
    """The message as one line of at most LONGEST_MESSAGE characters, before escapes.

    Messages quote names from untrusted files. Unprintable characters are escaped, so none can control the terminal.
    """
    characters = " ".join(message.split())[:LONGEST_MESSAGE]
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in characters)
