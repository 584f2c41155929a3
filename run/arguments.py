"""The command line of train.py."""

import argparse
import dataclasses
import os
import time
from dataclasses import dataclass
from typing import Any

from pipeline.augmentation.augment import KINDS
from run.config_file import configured_values, resumed_settings
from run.folder import RunPaths
from run.settings import DATA_PATHS, GROUPS, SETTINGS, Settings, complete_settings, default_text_of, option_of
from support.argument_parser import ArgumentParser
from support.user_error import UserError


@dataclass(frozen=True)
class RunRequest:
    """A parsed command line."""

    settings: Settings
    out: str  # the run's folder
    resume: bool  # whether to resume the run in it
    tensorboard: bool  # whether to write event files


def parse_arguments(description: str, is_chief: bool = True) -> RunRequest:
    """Parses the command line. Raises UserError if it is invalid, OSError if a config.json cannot be read.

    With --config, the settings are those of the file, and options override them. With --resume, they are those of the
    run in --out, and options must agree with them.
    is_chief: whether this process writes the run's folder. Other workers may not see that folder: without it, --resume
    uses the options alone, and the workers compare their settings later.
    """
    arguments = vars(_parser(description).parse_args())
    given = {name: SETTINGS[name].values.check(value) for name, value in arguments.items() if name in SETTINGS}
    out, config, resume = arguments.get("out"), arguments.get("config"), arguments["resume"]
    if resume and config:
        raise UserError("--resume uses the settings of the run in --out; omit --config")
    if given.get("validation_data") and ("validation_split" in given or "validation_sequences" in given):
        raise UserError("--validation-data replaces the split; omit --validation-split and --validation-sequences")
    if resume and (is_chief or (out is not None and os.path.exists(RunPaths(out).config))):
        settings = _resumed(out, given)
    else:
        configured = configured_values(config) if config else {}
        settings = complete_settings({**_without_replaced(configured, given), **given})
    out = out or os.path.join("runs", time.strftime("%Y-%m-%d-%H%M%S"))
    return RunRequest(settings, out, resume, arguments["tensorboard"])


def _without_replaced(configured: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    """The values of a --config file, without those that a given option replaces by its alternative."""

    def is_alternative(one: str, other: str) -> bool:
        return one in SETTINGS[other].instead_of or other in SETTINGS[one].instead_of

    return {name: v for name, v in configured.items() if not any(is_alternative(name, option) for option in given)}


def _resumed(out: str | None, given: dict[str, Any]) -> Settings:
    """The settings of the run in `out`. Raises UserError if a given value differs from them.

    The data may have another path, because they may have been moved. Later, their SHA-256 is compared.
    """
    if out is None:
        raise UserError("--resume needs the folder of the run; give it with --out")
    settings = resumed_settings(out)
    moved = {name: given[name] for name in DATA_PATHS if name in given and getattr(settings, name) is not None}
    settings = dataclasses.replace(settings, **moved)
    for name, value in given.items():
        present = getattr(settings, name)
        if value != present:
            option, run_option = _as_option(name, value), _as_option(name, present)
            raise UserError(
                f"{option} differs from the run, which has {run_option}; omit {option.split()[0]} to resume it"
            )
    return settings


def _as_option(name: str, value: Any) -> str:
    """The option that gives this value: "--seed 3", "--demo", "--no-augment", or "no --epochs"."""
    if name == "augment" and value == []:
        return "--no-augment"
    if value in (None, False, []):
        return f"no {option_of(name)}"
    between = " " if SETTINGS[name].values.item else ","
    text = between.join(value) if isinstance(value, list) else value
    return option_of(name) if value is True else f"{option_of(name)} {text}"


def _parser(description: str) -> ArgumentParser:
    """The parser of the options. What it returns lacks settings that are not given."""
    parser = ArgumentParser(
        usage="%(prog)s (--data FILE.h5 ... | --demo | --config FILE.json) [option ...]\n"
        "       %(prog)s --resume --out DIR [option ...]",
        description=description,
        epilog="example: python train.py --data youtube_train_data.h5 --time-limit 300 --out runs/first",
        argument_default=argparse.SUPPRESS,
        formatter_class=lambda prog: argparse.HelpFormatter(prog, max_help_position=30),
    )
    parser.add_argument(
        "--config",
        metavar="FILE.json",
        help="take the settings from the config.json of a run; command-line options override them",
    )
    groups = {title: parser.add_argument_group(title) for title in GROUPS}
    for name, setting in SETTINGS.items():
        _add_option(groups[setting.group], name)
    output = groups["output"]
    output.add_argument("--out", metavar="DIR", help="folder of the run (default: runs/ and the current time)")
    output.add_argument(
        "--resume", action="store_true", default=False, help="resume the run in --out from its last evaluation"
    )
    output.add_argument("--tensorboard", action="store_true", default=False, help="write event files for TensorBoard")
    return parser


def _add_option(group: argparse._ArgumentGroup, name: str) -> None:
    values, default = SETTINGS[name].values, default_text_of(name)
    text = SETTINGS[name].help + (f" (default: {default})" if default else "")
    if values.metavar is None:
        group.add_argument(option_of(name), action="store_true", help=text)
    elif values.item is not None:
        group.add_argument(option_of(name), metavar=values.metavar, type=values.parse, nargs="+", help=text)
    elif name != "augment":
        group.add_argument(option_of(name), metavar=values.metavar, type=values.parse, help=text)
    else:
        text += f"; KIND: {', '.join(KINDS)}"
        either = group.add_mutually_exclusive_group()
        either.add_argument(
            "--augment", metavar=values.metavar, type=values.parse, nargs="?", const=list(KINDS), help=text
        )
        either.add_argument(
            "--no-augment",
            dest="augment",
            action="store_const",
            const=[],
            help="do not augment; use for test data that shares frames with training",
        )
