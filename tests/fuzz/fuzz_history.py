"""Fuzzes history.csv: a resumed run reads and rewrites it, and the loss curves show it.

The file must either be refused with a UserError or give rows that read back the same, cut back to a step.
"""

import os
import random
import tempfile
import zlib
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["run"]):
    from report.plots import loss_figure, write_png
    from run.history import COLUMNS, append_to_history, read_history, start_history
    from support.user_error import UserError

from tests.fuzz.fuzzer import fuzz

FIELDS = [
    "",
    "0",
    "-1",
    "1e400",
    "-1e-320",
    "nan",
    "inf",
    "9" * 400,
    "9" * 5000,
    "1_0",
    " 7 ",
    "٣",
    '"',
    '"1',
    "1\r2",
    "x",
]
LAST_STEP = 10
# Drawing takes a hundred times as long as reading.
DRAWN_OF = 500


def write_corpus(folder: Path) -> None:
    for number in (0, 1, 4):
        path = str(folder / f"{number}")
        start_history(path)
        for step in range(number):
            append_to_history(path, dict(zip(COLUMNS, (5 * step, step, step / 8, 700 / 3, 1e-7, 12.5), strict=True)))


def change_fields(contents: bytes, largest_input: int, seed: int) -> bytes:
    """Changes fields of the table or, in one case of four, its bytes."""
    drawn = random.Random(seed)
    if drawn.random() < 0.25:
        return atheris.Mutate(contents, largest_input)
    rows = [line.split(",") for line in contents.decode(errors="replace").split("\n")]
    for _ in range(drawn.randint(1, 3)):
        row = drawn.choice(rows)
        place = drawn.randrange(len(row))
        match drawn.randrange(5):
            case 0:
                row.pop(place)
            case 1:
                row.insert(place, drawn.choice([*FIELDS, *COLUMNS]))
            case 2:
                rows.append(list(row))
            case _:
                row[place] = drawn.choice(FIELDS)
        rows = [row for row in rows if row] or [[""]]
    return "\n".join(",".join(row) for row in rows).encode(errors="surrogateescape")[:largest_input]


def check(contents: bytes) -> None:
    with tempfile.TemporaryDirectory(dir="/dev/shm" if os.path.isdir("/dev/shm") else None) as folder:
        path = os.path.join(folder, "history.csv")
        Path(path).write_bytes(contents)
        try:
            rows = read_history(path)
        except UserError:
            return
        start_history(path, LAST_STEP)
        assert repr(read_history(path)) == repr([row for row in rows if row["step"] <= LAST_STEP])
        if rows and zlib.crc32(contents) % DRAWN_OF == 0:
            write_png(os.path.join(folder, "loss.png"), loss_figure(rows, 20.0))


if __name__ == "__main__":
    fuzz(check, write_corpus, largest_input=20_000, custom_mutator=change_fields)
