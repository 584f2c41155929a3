"""Fuzzes config.json as --config and --resume read it: damaged text, and JSON values that no setting has.

The settings must either be refused with a UserError or be values that the options of train.py take.
"""

import json
import math
import os
import random
import tempfile
from pathlib import Path
from typing import Any

import atheris

with atheris.instrument_imports(include=["run"]):
    from run.config_file import configured_values, resumed_settings, write_config
    from run.data import DataIdentity
    from run.settings import SETTINGS, complete_settings
    from support.user_error import UserError

from tests.fuzz.fuzzer import fuzz

IDENTITY = DataIdentity("ab" * 32, "cd" * 32, 110, 22, [10, 64, 64, 3])
VALUES: list[object] = [None, True, False, 0, -1, 2**31, 10**30, 10**400, 0.5, 1e-320, 1e400, -1e400, math.nan]
VALUES += ["", "1", "inf", "1_0", "people.h5", "\0", "\ud800", "²", "mirror,shift", "strided"]
VALUES += [[], ["mirror"], ["mirror", 3], {}, {"a": [1]}]


def write_corpus(folder: Path) -> None:
    given: list[dict[str, Any]] = [
        {"demo": True},
        {"data": "people.h5", "augment": ["mirror", "shift"], "epochs": 2, "validation_data": "others.h5"},
        {"data": "people.h5", "augment": [], "time_limit": 30.5, "validation_sequences": 20, "precision": "float32"},
    ]
    for number, values in enumerate(given):
        write_config(str(folder / f"{number}"), complete_settings(values), IDENTITY)


def change_values(contents: bytes, largest_input: int, seed: int) -> bytes:
    """Changes values and names of the JSON or, in one case of four, its bytes."""
    drawn = random.Random(seed)
    try:
        config = json.loads(contents)
    except (ValueError, RecursionError):
        config = None
    if not isinstance(config, dict) or drawn.random() < 0.25:
        return atheris.Mutate(contents, largest_input)
    for _ in range(drawn.randint(1, 3)):
        name = drawn.choice([*config, *SETTINGS])
        match drawn.randrange(6):
            case 0:
                config.pop(name, None)
            case 1:
                config[drawn.choice([*SETTINGS, "unknown"])] = config.get(name)
            case 2 if isinstance(config.get(name), int | float) and abs(config[name]) < 1e200:
                config[name] = config[name] * drawn.choice([-1, 10, 1.5, 10**9])
            case _:
                config[name] = drawn.choice(VALUES)
    return json.dumps(config).encode()[:largest_input]


def check(contents: bytes) -> None:
    with tempfile.TemporaryDirectory(dir="/dev/shm" if os.path.isdir("/dev/shm") else None) as folder:
        path = os.path.join(folder, "config.json")
        Path(path).write_bytes(contents)
        for read in (lambda: complete_settings(configured_values(path)), lambda: resumed_settings(folder)):
            try:
                settings = read()
            except UserError:
                continue
            for name, value in vars(settings).items():
                assert value is None or SETTINGS[name].values.check(value) == value, name


if __name__ == "__main__":
    fuzz(check, write_corpus, largest_input=8000, custom_mutator=change_values)
