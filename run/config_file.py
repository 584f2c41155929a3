"""config.json: the settings of a run, and the identity of its data."""

import json
import os
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from run.data import DataIdentity
from run.settings import SETTINGS, Settings
from support.atomic_write import atomic_write
from support.user_error import UserError


def write_config(path: str, settings: Settings, identity: DataIdentity) -> None:
    """Writes both to the file at `path`, atomically. Raises OSError if it cannot be written."""
    with atomic_write(path) as partial, open(partial, "w", encoding="utf-8") as file:
        json.dump({**vars(settings), **vars(identity)}, file, indent=2)


def read_config(path: str) -> Any:
    """The unchecked content of the file at `path`. Raises ValueError if it is not valid JSON, and OSError."""
    with open(path, encoding="utf-8") as file:
        try:
            return json.load(file)
        except RecursionError:
            raise ValueError("lists nested too deeply") from None


def configured_values(path: str) -> dict[str, Any]:
    """The checked values of the settings in a file for --config, which may lack some. Raises UserError, OSError."""
    try:
        config = read_config(path)
    except ValueError as error:
        raise UserError(f"{path} is not valid JSON ({error}); give the config.json of a run") from None
    if not isinstance(config, dict):
        raise UserError(f"{path} is not an object of settings; give the config.json of a run")
    if unknown := sorted(config.keys() - SETTINGS.keys() - {field.name for field in fields(DataIdentity)}):
        raise UserError(f"{path} has unknown settings: {', '.join(unknown)}; remove them")
    return _checked_values(path, config)


def resumed_settings(out: str) -> Settings:
    """The Settings of the run in the folder `out`. Raises UserError if its config.json is missing or damaged."""
    path = os.path.join(out, "config.json")
    try:
        config = read_config(path)
        if not isinstance(config, dict):
            raise ValueError("it is not an object of settings")
        config = {name: setting.default for name, setting in SETTINGS.items() if setting.added_later} | config
        for name, setting in SETTINGS.items():
            if name not in config:
                raise ValueError(f"{name} is missing")
            if config[name] is None and setting.default is not None:
                raise ValueError(f"{name} is null")
        if config["data"] is None and not config["demo"]:
            raise ValueError("it has neither data nor demo")
        if config["epochs"] is None and config["time_limit"] is None:
            raise ValueError("it has neither epochs nor time_limit")
    except FileNotFoundError:
        raise UserError(f"{out} contains no run to resume; omit --resume to start one") from None
    except ValueError as error:
        raise UserError(f"{path} is not the config.json of a run ({error}); start a new run") from None
    return Settings(**{**dict.fromkeys(SETTINGS), **_checked_values(path, config)})


def _checked_values(path: str, config: Mapping[str, Any]) -> dict[str, Any]:
    """The values of the settings in `config`, without those that are null. Raises UserError if one is not accepted."""
    checked = {}
    for name, setting in SETTINGS.items():
        if config.get(name) is not None:
            try:
                checked[name] = setting.values.check(config[name])
            except ValueError as error:
                raise UserError(f"{path}: {name}: {error}") from None
    if checked.get("demo") and "data" in checked:
        raise UserError(f"{path} has both data and demo; remove one")
    return checked
