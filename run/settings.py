"""The settings of a training run, typed, with their defaults, and the one check of values from wherever they come."""

import argparse
import os
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from model.network_kinds import FOR_AUGMENTED, FOR_UNCHANGED, NETWORKS
from pipeline.augmentation.kinds import KINDS
from pipeline.frame_window import DEFAULT_MEGABYTES
from pipeline.split import SPLITS
from support.argument_parser import one_of, positive, value_type
from support.user_error import UserError

PRECISIONS = ("auto", "float32", "bfloat16")
DEFAULT_SECONDS = 300
DEFAULT_DEMO_SECONDS = 60
LARGEST_SEED = 2**31 - 1
# Far beyond what is of use; what is larger overflows in TensorFlow or takes forever to build.
MOST = {
    "epochs": 2**31 - 1,
    "batch_size": 10**6,
    "num_units": 2**14,
    "members": 1000,
    "evaluations": 10**6,
    "validation_sequences": 2**31 - 1,
    "window_megabytes": 1e6,
}


class Settings(NamedTuple):
    """What a run trains on and how; config.json holds these names.

    data: path of the HDF5 file, or None with demo. epochs, time_limit (seconds of training alone): the limits, of which
    one may be None. augment: kinds, none to train on sequences as they are. network: a key of NETWORKS. learning_rate:
    Adam's, at its highest. members: networks that are averaged. evaluations: how many in a run. precision: one of
    PRECISIONS. validation_split: one of SPLITS. validation_sequences: how many, None for a tenth. validation_data: path
    of an HDF5 file that takes the place of the split, or None. window_megabytes: memory for frames. exact: whether the
    result is the same, bit for bit, for every number of workers.
    """

    data: str | None
    demo: bool
    epochs: int | None
    time_limit: float | None
    augment: list[str]
    network: str
    batch_size: int
    learning_rate: float
    num_units: int
    members: int
    evaluations: int
    seed: int
    precision: str
    validation_split: str
    validation_sequences: int | None
    validation_data: str | None
    window_megabytes: float
    exact: bool


# Settings that a config.json of an earlier version lacks, with what that version did.
ADDED = {"window_megabytes": DEFAULT_MEGABYTES, "exact": False}
SWITCHES = ("demo", "exact")
NULLABLE = ("data", "epochs", "time_limit", "validation_sequences", "validation_data")

DEFAULTS: dict[str, Any] = {
    "data": None,
    "demo": False,
    "epochs": None,
    "time_limit": None,
    "augment": list(KINDS),
    "seed": 0,
    "precision": "auto",
    "validation_split": "video",
    "validation_sequences": None,
    "validation_data": None,
    "window_megabytes": DEFAULT_MEGABYTES,
    "exact": False,
}


@value_type("list of " + ",".join(KINDS))
def kinds(text: str) -> list[str]:
    """Kinds of augmentation with commas in between → those of KINDS, in their order."""
    names = text.split(",")
    if not set(names) <= set(KINDS):
        raise ValueError(text)
    return [kind for kind in KINDS if kind in names]


@value_type(f"whole number from 0 to {LARGEST_SEED}")
def seed(text: str) -> int:
    """A whole number that NumPy and TensorFlow take as a seed."""
    value = int(text)
    if not 0 <= value <= LARGEST_SEED:
        raise ValueError(text)
    return value


@value_type("path")
def path(text: str) -> str:
    """A path that the system and UTF-8 can spell."""
    if "\0" in text:
        raise ValueError(text)
    os.fsencode(text)
    text.encode()
    return text


def at_most(most: float, read: Callable[[str], float]) -> Callable[[str], float]:
    """The type of an option whose value is what `read` makes of the text, but not more than `most`."""

    def parse(text: str) -> float:
        value = read(text)
        if value > most:
            raise argparse.ArgumentTypeError(f"takes at most {most:.0f}, not {text}")
        return value

    return parse


# How the text of each setting's value is read; an argparse.ArgumentTypeError says what is wrong with it.
VALUE_TYPES: dict[str, Callable[[str], Any]] = {
    "data": path,
    "epochs": at_most(MOST["epochs"], positive(int)),
    "time_limit": positive(float),
    "augment": kinds,
    "network": one_of(NETWORKS),
    "batch_size": at_most(MOST["batch_size"], positive(int)),
    "learning_rate": positive(float),
    "num_units": at_most(MOST["num_units"], positive(int)),
    "members": at_most(MOST["members"], positive(int)),
    "evaluations": at_most(MOST["evaluations"], positive(int)),
    "seed": seed,
    "precision": one_of(PRECISIONS),
    "validation_split": one_of(SPLITS),
    "validation_sequences": at_most(MOST["validation_sequences"], positive(int)),
    "validation_data": path,
    "window_megabytes": at_most(MOST["window_megabytes"], positive(float)),
}

JSON_NAMES = {bool: "true or false", int: "a number", float: "a number", str: "text", list: "a list", dict: "an object"}


def complete_settings(given: Mapping[str, Any]) -> Settings:
    """The Settings with these checked values, and defaults for the rest.

    Raises UserError where they do not name the data, or name it twice.
    """
    values = {**DEFAULTS, **given}
    if values["demo"] == (values["data"] is not None):
        raise UserError("give either --data FILE.h5 or --demo (train.py --help lists the options)")
    if values["epochs"] is None and values["time_limit"] is None:
        values["time_limit"] = DEFAULT_DEMO_SECONDS if values["demo"] else DEFAULT_SECONDS
    network = values.get("network") or (FOR_AUGMENTED if values["augment"] else FOR_UNCHANGED)
    for name, value in NETWORKS[network].defaults._asdict().items():
        values.setdefault(name, value)
    return Settings(**{**values, "network": network})


def checked_values(values: Mapping[str, Any]) -> dict[str, Any]:
    """Checks values of settings that come from a JSON file as if they were given as options; None stands for absence.

    Names that are no settings are left out. Raises UserError at the first value that an option would not take, or that
    is of another type of JSON than config.json holds, such as a number in quotes.
    """
    present = {name: value for name, value in values.items() if name in Settings._fields and value is not None}
    checked = {name: _checked(name, value) for name, value in present.items()}
    if checked.get("demo") and "data" in checked:
        raise UserError("argument --demo: not allowed with argument --data")
    return checked


def _checked(name: str, value: Any) -> Any:
    if name in SWITCHES:
        if not isinstance(value, bool):
            raise UserError(f"argument {option_of(name)}: ignored explicit argument {_text_of(value)!r}")
        return value
    if name == "augment" and value == []:
        return []
    try:
        read = VALUE_TYPES[name](_text_of(value))
    except argparse.ArgumentTypeError as error:
        raise UserError(f"argument {option_of(name)}: {error}") from None
    if type(value) is not type(read) and (type(value), type(read)) != (int, float):
        expected, found = JSON_NAMES[type(read)], JSON_NAMES[type(value)]
        raise UserError(f"argument {option_of(name)}: takes {expected}, not {found}: {_text_of(value)}")
    return read


def _text_of(value: Any) -> str:
    """The text of the option for a value from JSON. What no option takes may be nested too deeply for str()."""
    if isinstance(value, list):
        return ",".join(value) if all(isinstance(item, str) for item in value) else "[...]"
    return "{...}" if isinstance(value, dict) else str(value)


def option_of(name: str) -> str:
    """The option of a setting: "--batch-size" for "batch_size"."""
    return "--" + name.replace("_", "-")
