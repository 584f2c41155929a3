"""config.json: the settings of a run, and what identifies its data."""

import json
import os
from collections.abc import Mapping
from typing import Any

from run.data import DataIdentity
from run.settings import ADDED, NULLABLE, Settings, checked_values
from support.atomic_write import atomic_write
from support.user_error import UserError


def write_config(path: str, settings: Settings, identity: DataIdentity) -> None:
    """Writes both to the file at `path`, atomically; raises OSError where it cannot be written."""
    with atomic_write(path) as partial, open(partial, "w", encoding="utf-8") as file:
        json.dump({**settings._asdict(), **identity._asdict()}, file, indent=2)


def read_config(path: str) -> Any:
    """What the file at `path` holds, unchecked; raises ValueError where that cannot be read as JSON, OSError."""
    with open(path, encoding="utf-8") as file:
        try:
            return json.load(file)
        except RecursionError:
            raise ValueError("lists nested too deeply") from None


def configured_values(path: str) -> dict[str, Any]:
    """The checked values of the settings in the config.json of any run; raises UserError, OSError."""
    try:
        config = read_config(path)
    except ValueError as error:
        raise UserError(f"{path} is not JSON ({error}); give the config.json of a run") from None
    if not isinstance(config, dict):
        raise UserError(f"{path} holds no settings by name; give the config.json of a run")
    if unknown := sorted(config.keys() - set(Settings._fields) - set(DataIdentity._fields)):
        raise UserError(f"{path} holds what is no setting: {', '.join(unknown)}; take it out")
    return _checked_values(path, config)


def resumed_settings(out: str) -> Settings:
    """The Settings of the run in the folder `out`; raises UserError where it holds no whole config.json, OSError."""
    path = os.path.join(out, "config.json")
    try:
        config = read_config(path)
        config = {**ADDED, **config} if isinstance(config, dict) else {}
        if not config.keys() >= set(Settings._fields):
            raise ValueError("it lacks settings")
        if unset := [name for name in Settings._fields if config[name] is None and name not in NULLABLE]:
            raise ValueError(f"{unset[0]} is null")
        if config["data"] is None and not config["demo"]:
            raise ValueError("it names no data")
        if config["epochs"] is None and config["time_limit"] is None:
            raise ValueError("it has no limit")
    except FileNotFoundError:
        raise UserError(f"{out} holds no run to resume; leave --resume out to start one") from None
    except ValueError as error:
        raise UserError(f"{path} is not the config.json of a run ({error}); start a new run") from None
    checked: dict[str, Any] = _checked_values(path, config)
    return Settings(**{**dict.fromkeys(NULLABLE), **checked})


def _checked_values(path: str, config: Mapping[str, Any]) -> dict[str, Any]:
    try:
        return checked_values(config)
    except UserError as error:
        raise UserError(f"{path}: {error}") from None
