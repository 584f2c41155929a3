"""Names of people in the spellings of different platforms."""

from __future__ import annotations

import re
import unicodedata

# Letters that Unicode does not decompose into a plain letter and an accent.
PLAIN_LETTERS = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ı": "i"})
GERMAN_LETTERS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue"})


def words_of(name: str) -> list[str]:
    """Returns the words of a name in small letters, without punctuation."""
    return re.findall(r"[^\W_]+", unicodedata.normalize("NFC", name).casefold())


def letters_of(name: str) -> str:
    """Returns the letters and digits of a name in small letters."""
    return "".join(words_of(name))


def spellings(name: str) -> set[str]:
    """Returns the letters of a name without accents; for German umlauts, both "muller" and "mueller"."""
    letters = letters_of(name).translate(PLAIN_LETTERS)
    return {_without_accents(letters), _without_accents(letters.translate(GERMAN_LETTERS))} - {""}


def rotations(name: str) -> list[list[str]]:
    """Returns the words of a name with each of them as the first, so that one has the family name before the given."""
    words = words_of(name)
    return [words[start:] + words[:start] for start in range(len(words))]


def _without_accents(letters: str) -> str:
    decomposed = unicodedata.normalize("NFKD", letters)
    return "".join(letter for letter in decomposed if not unicodedata.combining(letter))
