"""The settings of a training run: `Settings` declares them, with their options, values, defaults and help texts.

The command line, the checks of config.json and docs/SETTINGS.md are derived from its fields. pydantic, jsonargparse and
tyro were considered: they slow down every start, and report an invalid value in several lines or in a traceback.
"""

import argparse
import dataclasses
import os
import reprlib
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from model.network_kinds import FOR_AUGMENTED, FOR_UNCHANGED, NETWORKS
from pipeline.augmentation.augment import KINDS
from pipeline.batch_order import DEFAULT_MEGABYTES
from pipeline.split import SPLITS
from run.data_choice import is_video_choice
from support.user_error import UserError

GROUPS = ("data", "duration", "model", "validation", "output", "cluster")
DEFAULT_SECONDS = 300
DEFAULT_DEMO_SECONDS = 60
DATA_PATHS = ("data", "validation_data")  # paths of files that are recognized by their content if they are moved
DERIVED: Any = object()  # a default that depends on other settings; complete_settings computes it
LARGEST_INT32 = 2**31 - 1

_quoted = reprlib.Repr()
_quoted.maxstring = 80


@dataclass(frozen=True)
class Values:
    """The values that a setting accepts, as JSON represents them. The text of an option is converted to JSON first."""

    description: str  # such as "a positive number"
    metavar: str | None  # stands for a value in the help; None for a switch
    from_text: Callable[[str], Any]  # text of an option → JSON value; may raise ValueError
    accepts: Callable[[Any], bool]  # of a JSON value of any type
    convert: Callable[[Any], Any] = lambda value: value  # accepted JSON value → value in Settings
    item: Callable[[Any], bool] | None = None  # for an option with several values, whether one of them is accepted

    def check(self, value: Any) -> Any:
        """JSON value → value in Settings. Raises ValueError if it is not accepted."""
        if not self.accepts(value):
            raise ValueError(f"{_quoted.repr(value)} is not {self.description}")
        return self.convert(value)

    def parse(self, text: str) -> Any:
        """Text of an option → value in Settings, for argparse; of an option with several values, one of them."""
        try:
            if self.item is None:
                return self.check(self.from_text(text))
            if not self.item(text):
                raise ValueError(text)
            return text
        except ValueError:
            raise argparse.ArgumentTypeError(f"{_quoted.repr(text)} is not {self.description}") from None


def _whole_number(least: int, most: int) -> Values:
    description = f"a whole number from {least} to {most}"
    return Values(description, "N", int, lambda value: type(value) is int and least <= value <= most)


def _positive_number(metavar: str, most: float = sys.float_info.max) -> Values:
    description = "a positive number" + (f" up to {most:.0f}" if most < sys.float_info.max else "")
    return Values(description, metavar, float, lambda value: type(value) in (int, float) and 0 < value <= most, float)


def _one_of(choices: Iterable[str]) -> Values:
    names = tuple(choices)
    return Values(f"one of {', '.join(names)}", f"{{{','.join(names)}}}", str, lambda value: value in names)


def _is_path(value: Any) -> bool:
    """Whether both the file system and a JSON file can represent this path."""
    try:
        return isinstance(value, str) and b"\0" not in os.fsencode(value) + value.encode()
    except UnicodeError:
        return False


def _is_video_choice(value: Any) -> bool:
    return _is_path(value) and is_video_choice(value)


_SWITCH = Values("true or false", None, bool, lambda value: isinstance(value, bool))
_DATA_SET = Values("a path", "FILE.h5", str, _is_path)
_DATA_SETS = Values(
    "a path, or a list of paths, each with a weight such as FILE.h5:3 if it has one",
    "FILE.h5",
    from_text=str,
    accepts=lambda value: _is_path(value) or isinstance(value, list) and len(value) > 0 and all(map(_is_path, value)),
    # A list of one is a path, as earlier versions wrote it.
    convert=lambda value: value[0] if isinstance(value, list) and len(value) == 1 else value,
    item=_is_path,
)
_VIDEOS = Values(
    "a list of numbers and ranges such as 0-4,7, each with the file such as FILE.h5:0-4,7 if --data has several",
    "0-4,7",
    from_text=str,
    accepts=lambda value: isinstance(value, list) and all(map(_is_video_choice, value)),
    item=_is_video_choice,
)
_AUGMENTATIONS = Values(
    f"a list of {', '.join(KINDS)}",
    "KIND,...",
    from_text=lambda text: text.split(","),
    accepts=lambda value: isinstance(value, list) and all(kind in KINDS for kind in value),
    convert=lambda value: [kind for kind in KINDS if kind in value],
)


@dataclass(frozen=True)
class Setting:
    """What is known of a setting besides its name and type."""

    group: str  # one of GROUPS
    values: Values
    default: Any  # a setting whose default is None may be null in config.json
    help: str
    default_text: str = ""  # describes a default that is computed
    instead_of: tuple[str, ...] = ()  # its alternatives; in a --config file, an option replaces them, and the reverse
    added_later: bool = False  # earlier versions wrote a config.json without it, and did what the default does


def _setting(group: str, values: Values, default: Any, help: str, **others: Any) -> Any:
    return dataclasses.field(metadata={"setting": Setting(group, values, default, help, **others)})


# Upper bounds are far beyond useful values: above them TensorFlow overflows, or takes forever to build the graph.
@dataclass(frozen=True, kw_only=True)
class Settings:
    """What a run trains on, and how. config.json has the same names in the same order."""

    data: str | list[str] | None = _setting(
        "data",
        _DATA_SETS,
        None,
        "train on these data sets, written by a convert command; FILE.h5:3 takes each of its sequences three times an "
        "epoch",
    )
    demo: bool = _setting("data", _SWITCH, False, "train on generated pictures of people", instead_of=("data",))
    epochs: int | None = _setting(
        "duration", _whole_number(1, LARGEST_INT32), None, "passes over the training sequences", default_text="no limit"
    )
    time_limit: float | None = _setting(
        "duration",
        _positive_number("SECONDS"),
        None,
        "seconds of training, not counting start-up, evaluation and the report",
        default_text=f"{DEFAULT_SECONDS}; {DEFAULT_DEMO_SECONDS} with --demo; no limit with --epochs",
        instead_of=("epochs",),
    )
    augment: list[str] = _setting(
        "data",
        _AUGMENTATIONS,
        list(KINDS),
        "change the training sequences at random, so that the model generalizes to new people",
        default_text="all",
    )
    network: str = _setting(
        "model",
        _one_of(NETWORKS),
        DERIVED,
        "architecture of the CNN",
        default_text=f"{FOR_AUGMENTED}; {FOR_UNCHANGED} without augmentation",
    )
    batch_size: int = _setting("model", _whole_number(1, 10**6), DERIVED, "sequences per training step")
    learning_rate: float = _setting("model", _positive_number("X"), DERIVED, "Adam's peak learning rate")
    num_units: int = _setting("model", _whole_number(1, 2**14), DERIVED, "units of the LSTM")
    evaluations: int = _setting("validation", _whole_number(1, 10**6), DERIVED, "number of evaluations during training")
    seed: int = _setting(
        "model", _whole_number(0, LARGEST_INT32), 0, "seed of initial weights, split, batch order and augmentation"
    )
    precision: str = _setting(
        "model",
        _one_of(("auto", "float32", "bfloat16")),
        "auto",
        "precision of convolutions and matrix products; auto: bfloat16 if the processor supports it, float32 with "
        "several workers or --exact",
    )
    validation_split: str = _setting(
        "validation",
        _one_of(SPLITS),
        "video",
        "how to choose the validation set: whole videos, random sequences, or the last ones; none: hold out nothing",
    )
    validation_sequences: int | None = _setting(
        "validation",
        _whole_number(1, LARGEST_INT32),
        None,
        "number of validation sequences",
        default_text="a tenth of the data, between 100 and 2000",
    )
    validation_data: str | None = _setting(
        "validation",
        _DATA_SET,
        None,
        "validate on this data set and train on all of --data",
        instead_of=("validation_split", "validation_sequences"),
    )
    window_megabytes: float = _setting(
        "data",
        _positive_number("MB", 10**6),
        DEFAULT_MEGABYTES,
        "memory for the window of frames; larger data sets are read during training",
        added_later=True,
    )
    videos: list[str] = _setting(
        "data", _VIDEOS, [], "use only these videos of --data", default_text="all", added_later=True
    )
    exclude_videos: list[str] = _setting(
        "data", _VIDEOS, [], "leave out these videos of --data", default_text="none", added_later=True
    )
    exact: bool = _setting(
        "cluster", _SWITCH, False, "make results bit-identical for 1, 2 and 4 workers (slower)", added_later=True
    )


SETTINGS: dict[str, Setting] = {field.name: field.metadata["setting"] for field in dataclasses.fields(Settings)}


def complete_settings(given: Mapping[str, Any]) -> Settings:
    """Returns the Settings with these accepted values, by name, and defaults for the others.

    Raises UserError unless exactly one of data and demo is given.
    """
    values = {name: setting.default for name, setting in SETTINGS.items()} | dict(given)
    if values["demo"] == (values["data"] is not None):
        raise UserError("give either --data FILE.h5 or --demo (train.py --help lists the options)")
    if values["epochs"] is None and values["time_limit"] is None:
        values["time_limit"] = DEFAULT_DEMO_SECONDS if values["demo"] else DEFAULT_SECONDS
    if values["network"] is DERIVED:
        values["network"] = FOR_AUGMENTED if values["augment"] else FOR_UNCHANGED
    for name, value in values.items():
        if value is DERIVED:
            values[name] = getattr(NETWORKS[values["network"]], name)
    return Settings(**values)


def option_of(name: str) -> str:
    """The option of a setting: "--batch-size" for "batch_size"."""
    return "--" + name.replace("_", "-")


def default_text_of(name: str) -> str:
    """The default of a setting as the help shows it; "" for switches, and for paths that have no default."""
    setting = SETTINGS[name]
    if setting.default_text or setting.default is None or setting.default is False:
        return setting.default_text
    if setting.default is DERIVED:
        augmented, unchanged = (getattr(NETWORKS[network], name) for network in (FOR_AUGMENTED, FOR_UNCHANGED))
        return f"{augmented}; {unchanged} with --network {FOR_UNCHANGED}"
    return f"{setting.default:g}" if isinstance(setting.default, float) else str(setting.default)
