"""What train.py is asked to do: its command line, and the config.json that a run keeps of it."""

import json
import os
import time

from command_line.user_error import ArgumentParser, UserError, positive
from files.atomic_write import atomic_write
from pipeline.augmentation.kinds import KINDS
from pipeline.split import SPLITS

PRECISIONS = ("auto", "float32", "bfloat16")
DEFAULTS = {
    "data": None,
    "demo": False,
    "epochs": None,
    "time_limit": None,
    "augment": list(KINDS),
    "network": None,
    "batch_size": None,
    "learning_rate": None,
    "num_units": None,
    "members": None,
    "evaluations": None,
    "seed": 0,
    "precision": "auto",
    "validation_split": "video",
    "validation_sequences": None,
    "validation_data": None,
}
NETWORK_DEFAULTS = {
    "strided": {"batch_size": 16, "learning_rate": 5e-3, "num_units": 64, "members": 1, "evaluations": 30},
    "pyramid": {"batch_size": 8, "learning_rate": 4e-3, "num_units": 128, "members": 2, "evaluations": 12},
}
DEFAULT_SECONDS = 300
DEFAULT_DEMO_SECONDS = 60


# What a run's config.json says besides its settings; see run_data.data_identity.
RECORDED = ("data_sha256", "validation_data_sha256", "trained_sequences", "validated_sequences", "sequence_shape")

# Options of which one, given on the command line, takes the place of the others of a --config file.
REPLACED = {
    "data": ["demo"],
    "demo": ["data"],
    "epochs": ["time_limit"],
    "time_limit": ["epochs"],
    "validation_data": ["validation_split", "validation_sequences"],
    "validation_split": ["validation_data"],
    "validation_sequences": ["validation_data"],
}


def parse_settings(description):
    """Returns the settings of the run, a dict with the keys of DEFAULTS and `out`, `resume` and `tensorboard`.

    With --config they are those of the file, but for what is given on the command line. With --resume they are those of
    the run that goes on; what is given on the command line must agree with them. Raises UserError for whatever does
    not.
    """
    parser = _parser(description)
    arguments = vars(parser.parse_args())
    resume, tensorboard = arguments.pop("resume"), arguments.pop("tensorboard")
    out, config = arguments.pop("out", None), arguments.pop("config", None)
    if resume and config:
        raise UserError("--resume goes on with the settings of the run in --out; leave --config out")
    if resume:
        settings = _resumed_settings(out, arguments)
    else:
        configured = _configured(config, parser) if config else {}
        replaced = {name for given in arguments for name in REPLACED.get(given, [])}
        kept = {name: value for name, value in configured.items() if name not in replaced}
        settings = {**DEFAULTS, **kept, **arguments}
        if settings["epochs"] is None and settings["time_limit"] is None:
            settings["time_limit"] = DEFAULT_DEMO_SECONDS if settings["demo"] else DEFAULT_SECONDS
        settings = _with_network_defaults(settings)
    if settings["demo"] == (settings["data"] is not None):
        raise UserError("give either --data FILE.h5 or --demo (train.py --help lists the options)")
    if settings["validation_data"] and ("validation_split" in arguments or "validation_sequences" in arguments):
        raise UserError("--validation-data replaces the split; leave --validation-split and --validation-sequences out")
    out = out or os.path.join("runs", time.strftime("%Y-%m-%d-%H%M%S"))
    return {**settings, "out": out, "resume": resume, "tensorboard": tensorboard}


def _with_network_defaults(settings):
    """The settings, with the network that suits the augmentation, and what suits it, where nothing was given."""
    network = settings["network"] or ("pyramid" if settings["augment"] else "strided")
    chosen = {name: value for name, value in settings.items() if value is not None}
    return {**settings, **NETWORK_DEFAULTS[network], **chosen, "network": network}


def _configured(path, parser):
    """The settings in a run's config.json, checked as if they had been given as options; raises UserError."""
    with open(path, encoding="utf-8") as file:
        try:
            config = json.load(file)
        except ValueError as error:
            raise UserError(f"{path} is not JSON ({error}); give the config.json of a run") from None
    if not isinstance(config, dict):
        raise UserError(f"{path} holds no settings by name; give the config.json of a run")
    if unknown := sorted(config.keys() - DEFAULTS.keys() - set(RECORDED)):
        raise UserError(f"{path} holds what is no setting: {', '.join(unknown)}; take it out")
    options = [option for name in DEFAULTS for option in _as_options(name, config.get(name))]
    try:
        arguments = vars(parser.parse_args(options))
    except UserError as error:
        raise UserError(f"{path}: {error}") from None
    return {name: value for name, value in arguments.items() if name in DEFAULTS}


def _as_options(name, value):
    """What to say on the command line for a value of config.json."""
    option = _option(name)
    if value is None or (name == "demo" and value is False):
        return []
    if name == "demo" and value is True:
        return [option]
    if name == "augment" and value == []:
        return ["--no-augment"]
    if name == "augment" and isinstance(value, list):
        value = ",".join(map(str, value))
    return [f"{option}={value}"]


def _option(name):
    return "--" + name.replace("_", "-")


def _parser(description):
    """Options that are not given are absent from what it returns, so that --resume can tell them from defaults."""
    import argparse

    parser = ArgumentParser(
        usage="%(prog)s (--data FILE.h5 | --demo | --config FILE.json) [option ...]",
        description=description,
        epilog="example: python train.py --data youtube_train_data.h5 --time-limit 300 --out runs/first",
        argument_default=argparse.SUPPRESS,
        formatter_class=lambda prog: argparse.HelpFormatter(prog, max_help_position=32),
    )
    data = parser.add_mutually_exclusive_group()
    data.add_argument("--data", metavar="FILE.h5", help="what convert_pkl_to_h5.py wrote")
    data.add_argument("--demo", action="store_true", help="a data set of drawn people, made on the spot")
    parser.add_argument("--config", metavar="FILE.json", help="settings of a run's config.json; options win")
    parser.add_argument("--out", metavar="DIR", help="the run's folder (default: runs/ and the time)")
    parser.add_argument("--resume", action="store_true", default=False, help="go on with the run in --out")
    parser.add_argument("--epochs", metavar="N", type=positive(int), help="passes over the data (default: no limit)")
    parser.add_argument(
        "--time-limit",
        metavar="SECONDS",
        type=positive(float),
        help=f"of training alone (default: {DEFAULT_SECONDS} s; {DEFAULT_DEMO_SECONDS} s with --demo; none with --epochs)",
    )
    augment = parser.add_mutually_exclusive_group()
    augment.add_argument(
        "--augment",
        metavar="KIND,...",
        type=_kinds,
        nargs="?",
        const=list(KINDS),
        help=f"change sequences, for people never seen (default: all of {','.join(KINDS)})",
    )
    augment.add_argument(
        "--no-augment", dest="augment", action="store_const", const=[], help="for people and frames trained on"
    )
    parser.add_argument(
        "--network", choices=NETWORK_DEFAULTS, help="the CNN (default: pyramid; strided with --no-augment)"
    )
    parser.add_argument(
        "--batch-size", metavar="N", type=positive(int), help=_network_default("sequences a step", "batch_size")
    )
    parser.add_argument(
        "--learning-rate",
        metavar="X",
        type=positive(float),
        help=_network_default("Adam's, at its highest", "learning_rate"),
    )
    parser.add_argument(
        "--num-units", metavar="N", type=positive(int), help=_network_default("size of the LSTM", "num_units")
    )
    parser.add_argument(
        "--members", metavar="N", type=positive(int), help=_network_default("networks to average", "members")
    )
    parser.add_argument(
        "--evaluations", metavar="N", type=positive(int), help=_network_default("how many in a run", "evaluations")
    )
    parser.add_argument("--seed", metavar="N", type=_natural, help=_default("of weights, split and order", "seed"))
    parser.add_argument(
        "--precision", choices=PRECISIONS, help=_default("auto: bfloat16 where it is fast", "precision")
    )
    parser.add_argument(
        "--validation-split", choices=SPLITS, help=_default("whole videos, or sequences", "validation_split")
    )
    parser.add_argument(
        "--validation-sequences", metavar="N", type=positive(int), help="how many (default: a tenth, at least 100)"
    )
    parser.add_argument("--validation-data", metavar="FILE.h5", help="validate on it, train on all of --data")
    parser.add_argument("--tensorboard", action="store_true", default=False, help="write event files for TensorBoard")
    return parser


def _default(text, name):
    return f"{text} (default: {DEFAULTS[name]})"


def _network_default(text, name):
    return f"{text} (default: {NETWORK_DEFAULTS['pyramid'][name]}; strided {NETWORK_DEFAULTS['strided'][name]})"


def _kinds(text):
    """Names between commas → those of KINDS, in their order."""
    names = text.split(",")
    if not set(names) <= set(KINDS):
        raise ValueError(text)
    return [kind for kind in KINDS if kind in names]


_kinds.__name__ = "list of " + ",".join(KINDS)


def _natural(text):
    value = int(text)
    if not 0 <= value < 2**31:
        raise ValueError(text)
    return value


_natural.__name__ = "whole number from 0 to 2147483647"


def _resumed_settings(out, given):
    if out is None:
        raise UserError("--resume needs the folder of the run to go on with; give it with --out")
    path = os.path.join(out, "config.json")
    try:
        with open(path, encoding="utf-8") as file:
            config = json.load(file)
        settings = {name: config[name] for name in DEFAULTS}
    except FileNotFoundError:
        raise UserError(f"{out} holds no run to resume; leave --resume out to start one") from None
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(f"{path} is not the config.json of a run ({error}); start a new run") from None
    for name, value in given.items():
        if value != settings[name]:
            option = "--no-augment" if value == [] else _option(name)
            shown = option if value == [] else f"{option} {_shown(value)}"
            raise UserError(f"{shown} differs from the run's {_shown(settings[name])}; leave {option} out to resume it")
    return settings


def _shown(value):
    return (",".join(value) or "no augmentation") if isinstance(value, list) else value


def write_config(settings, extra):
    """Writes the settings, and what the dict `extra` adds to them, to config.json in the run's folder."""
    config = {name: settings[name] for name in DEFAULTS}
    path = os.path.join(settings["out"], "config.json")
    with atomic_write(path) as partial, open(partial, "w", encoding="utf-8") as file:
        json.dump({**config, **extra}, file, indent=2)


def read_config(out):
    """The dict in the config.json of the run's folder."""
    with open(os.path.join(out, "config.json"), encoding="utf-8") as file:
        return json.load(file)
