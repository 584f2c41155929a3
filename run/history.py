"""history.csv: one row per evaluation of a run, flushed to disk immediately."""

import csv
import math
import os
from collections.abc import Mapping

from support.atomic_write import atomic_write
from support.user_error import UserError

LARGEST_STEP = 2**63 - 1  # int64
LARGEST_MEASURED = 1e100  # above the square of any float32
COLUMNS = ("step", "epoch", "seconds", "train_loss", "validation_loss", "validation_pixel_error")


def start_history(path: str, last_step: int = 0) -> None:
    """Writes the header, and keeps the rows of an existing history.csv at `path` up to the step `last_step`."""
    rows = [row for row in read_history(path) if row["step"] <= last_step] if os.path.exists(path) else []
    with atomic_write(path) as partial, open(partial, "w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(rows)


def append_to_history(path: str, row: Mapping[str, float]) -> None:
    """Adds one row, a dict with the keys of COLUMNS; losses in px², pixel error in px, seconds of training alone."""
    with open(path, "a", encoding="utf-8", newline="") as file:
        csv.DictWriter(file, COLUMNS).writerow(row)
        file.flush()
        os.fsync(file.fileno())


def read_history(path: str) -> list[dict[str, float]]:
    """The rows, with step and epoch as int; a truncated last line is skipped.

    Raises UserError if the file is not CSV or has other columns, OSError if it cannot be read.
    """
    with open(path, encoding="utf-8", errors="replace", newline="") as file:
        whole, _, _ = file.read().replace("\0", "").rpartition("\n")
    try:
        reader = csv.DictReader(whole.splitlines())
        rows = list(reader)
        if reader.fieldnames is not None and tuple(reader.fieldnames) != COLUMNS:
            raise csv.Error(f"its first line is not {','.join(COLUMNS)}")
    except csv.Error as error:
        raise UserError(f"{path} is damaged ({error}); restore it from a copy, or start a new run") from None
    return [numbers for numbers in map(_numbers, rows) if numbers is not None]


def _numbers(row: Mapping[str, str]) -> dict[str, float] | None:
    """The row's values as int and float, or None if one is truncated or impossible in a run."""
    try:
        return {column: (_whole if column in ("step", "epoch") else _measured)(row[column]) for column in COLUMNS}
    except (TypeError, ValueError):
        return None


def _whole(text: str) -> int:
    number = int(text)
    if not 0 <= number <= LARGEST_STEP:
        raise ValueError(text)
    return number


def _measured(text: str) -> float:
    """A float; training can produce NaN and infinity."""
    number = float(text)
    if number < 0 or LARGEST_MEASURED < number < math.inf:
        raise ValueError(text)
    return number
