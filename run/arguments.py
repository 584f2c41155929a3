"""The command line of train.py."""

import argparse
import os
import time
from typing import Any, NamedTuple

from model.network_kinds import FOR_AUGMENTED, FOR_UNCHANGED, NETWORKS
from pipeline.augmentation.kinds import KINDS
from pipeline.split import SPLITS
from run.config_file import configured_values, resumed_settings
from run.folder import RunPaths
from run.settings import (
    DEFAULT_DEMO_SECONDS,
    DEFAULT_SECONDS,
    DEFAULTS,
    PRECISIONS,
    VALUE_TYPES,
    Settings,
    complete_settings,
    option_of,
)
from support.argument_parser import ArgumentParser
from support.user_error import UserError

# Settings of which one, given on the command line, replaces the others of a --config file.
REPLACED = {
    "data": ["demo"],
    "demo": ["data"],
    "epochs": ["time_limit"],
    "time_limit": ["epochs"],
    "validation_data": ["validation_split", "validation_sequences"],
    "validation_split": ["validation_data"],
    "validation_sequences": ["validation_data"],
}


class RunRequest(NamedTuple):
    """What the command line asks for. out: the run's folder. resume: whether the run in it goes on.

    tensorboard: whether event files are written.
    """

    settings: Settings
    out: str
    resume: bool
    tensorboard: bool


def parse_arguments(description: str, is_chief: bool = True) -> RunRequest:
    """Reads the command line.

    is_chief: whether this process writes the run's folder. Where it does not, it may have no folder: --resume then
    takes the settings that are given, and the workers compare them.
    With --config the settings are those of the file, except for what is given on the command line. With --resume they
    are those of the run in --out, and what is given must agree with them. Raises UserError for anything invalid.
    """
    arguments = vars(_parser(description).parse_args())
    given = {name: value for name, value in arguments.items() if name in Settings._fields}
    out, config, resume = arguments.get("out"), arguments.get("config"), arguments["resume"]
    if resume and config:
        raise UserError("--resume goes on with the settings of the run in --out; leave --config out")
    if given.get("validation_data") and ("validation_split" in given or "validation_sequences" in given):
        raise UserError("--validation-data replaces the split; leave --validation-split and --validation-sequences out")
    if resume and (is_chief or (out is not None and os.path.exists(RunPaths(out).config))):
        settings = _resumed(out, given)
    else:
        configured = configured_values(config) if config else {}
        replaced = {name for option in given for name in REPLACED.get(option, [])}
        settings = complete_settings({**{k: v for k, v in configured.items() if k not in replaced}, **given})
    out = out or os.path.join("runs", time.strftime("%Y-%m-%d-%H%M%S"))
    return RunRequest(settings, out, resume, arguments["tensorboard"])


def _resumed(out: str | None, given: dict[str, Any]) -> Settings:
    """The settings of the run in `out`; raises UserError where one that is given differs from them."""
    if out is None:
        raise UserError("--resume needs the folder of the run to go on with; give it with --out")
    settings = resumed_settings(out)
    for name, value in given.items():
        present = getattr(settings, name)
        if value != present:
            option = "--no-augment" if value == [] else option_of(name)
            shown = option if value == [] else f"{option} {_shown(value)}"
            raise UserError(f"{shown} differs from the run's {_shown(present)}; leave {option} out to resume it")
    return settings


def _shown(value: Any) -> Any:
    return (",".join(value) or "no augmentation") if isinstance(value, list) else value


def _parser(description: str) -> ArgumentParser:
    """Settings that are not given are absent from what it returns, so that --resume can tell them from defaults."""
    parser = ArgumentParser(
        usage="%(prog)s (--data FILE.h5 | --demo | --config FILE.json) [option ...]",
        description=description,
        epilog="example: python train.py --data youtube_train_data.h5 --time-limit 300 --out runs/first",
        argument_default=argparse.SUPPRESS,
        formatter_class=lambda prog: argparse.HelpFormatter(prog, max_help_position=32),
    )
    data = parser.add_mutually_exclusive_group()
    data.add_argument("--data", metavar="FILE.h5", type=VALUE_TYPES["data"], help="what convert_pkl_to_h5.py wrote")
    data.add_argument("--demo", action="store_true", help="a data set of drawn people, made on the spot")
    parser.add_argument("--config", metavar="FILE.json", help="settings of a run's config.json; options win")
    parser.add_argument("--out", metavar="DIR", help="the run's folder (default: runs/ and the time)")
    parser.add_argument("--resume", action="store_true", default=False, help="go on with the run in --out")
    _add(parser, "epochs", "N", "passes over the data (default: no limit)")
    limits = f"{DEFAULT_SECONDS} s; {DEFAULT_DEMO_SECONDS} s with --demo; none with --epochs"
    _add(parser, "time_limit", "SECONDS", f"of training (default: {limits})")
    augment = parser.add_mutually_exclusive_group()
    augment.add_argument(
        "--augment",
        metavar="KIND,...",
        type=VALUE_TYPES["augment"],
        nargs="?",
        const=list(KINDS),
        help=f"change sequences, for people never seen (default: all of {','.join(KINDS)})",
    )
    augment.add_argument(
        "--no-augment", dest="augment", action="store_const", const=[], help="for people and frames trained on"
    )
    _add(
        parser, "network", _choices(NETWORKS), f"the CNN (default: {FOR_AUGMENTED}; {FOR_UNCHANGED} with --no-augment)"
    )
    for name, metavar, what in (
        ("batch_size", "N", "sequences a step"),
        ("learning_rate", "X", "Adam's, at its highest"),
        ("num_units", "N", "size of the LSTM"),
        ("members", "N", "networks to average"),
        ("evaluations", "N", "how many in a run"),
    ):
        _add(parser, name, metavar, f"{what} (default: {_network_defaults(name)})")
    _add(parser, "window_megabytes", "MB", f"memory for frames (default: {DEFAULTS['window_megabytes']:g})")
    _add(parser, "seed", "N", _default("of weights, split and order", "seed"))
    _add(parser, "precision", _choices(PRECISIONS), _default("auto: bfloat16 where fast", "precision"))
    _add(parser, "validation_split", _choices(SPLITS), _default("whom to keep aside", "validation_split"))
    _add(parser, "validation_sequences", "N", "how many (default: a tenth, 100 to 2000)")
    _add(parser, "validation_data", "FILE.h5", "validate on it, train on all of --data")
    parser.add_argument("--exact", action="store_true", help="equal bits for 1, 2 and 4 machines")
    parser.add_argument("--tensorboard", action="store_true", default=False, help="write event files for TensorBoard")
    return parser


def _add(parser: argparse.ArgumentParser, name: str, metavar: str, text: str) -> None:
    parser.add_argument(option_of(name), metavar=metavar, type=VALUE_TYPES[name], help=text)


def _choices(names: Any) -> str:
    return "{" + ",".join(names) + "}"


def _default(text: str, name: str) -> str:
    return f"{text} (default: {DEFAULTS[name]})"


def _network_defaults(name: str) -> str:
    """The defaults of the two networks that --augment and --no-augment choose."""
    augmented, unchanged = (getattr(NETWORKS[network].defaults, name) for network in (FOR_AUGMENTED, FOR_UNCHANGED))
    return f"{augmented}; {FOR_UNCHANGED} {unchanged}"
