"""The settings of a run, as they are read from the command line, from a --config file and from a run to resume."""

import json
import sys

import pytest

from run.arguments import parse_arguments
from run.config_file import write_config
from run.data import DataIdentity
from run.settings import ADDED, Settings, complete_settings
from support.user_error import UserError

CONFIG = {
    "data": "people.h5",
    "demo": False,
    "epochs": 2,
    "time_limit": None,
    "augment": ["mirror", "shift"],
    "network": "strided",
    "batch_size": 4,
    "learning_rate": 0.004,
    "num_units": 8,
    "members": 1,
    "evaluations": 30,
    "seed": 3,
    "precision": "float32",
    "validation_split": "tail",
    "validation_sequences": 20,
    "validation_data": None,
    "window_megabytes": 64.0,
    "exact": False,
    "data_sha256": "ab" * 32,
    "validation_data_sha256": "ab" * 32,
    "trained_sequences": 110,
    "validated_sequences": 22,
    "sequence_shape": [10, 64, 64, 3],
}
SOURCES = ["--config", "--resume"]


@pytest.fixture
def read(tmp_path, monkeypatch):
    """The Settings that a file of this text gives to --config or to --resume."""

    def read(text, source):
        (tmp_path / "config.json").write_text(text)
        where = ["--config", tmp_path / "config.json"] if source == "--config" else ["--resume", "--out", tmp_path]
        monkeypatch.setattr(sys, "argv", ["train.py", *map(str, where)])
        return parse_arguments("").settings

    return read


@pytest.fixture
def refused(read):
    """The error line, without the file's path, of a file of this text."""

    def refused(text, source, path):
        with pytest.raises(UserError) as error:
            read(text, source)
        [line] = error.value.messages
        assert line.startswith(str(path))
        return line[len(str(path)) :]

    return refused


@pytest.mark.parametrize("source", SOURCES)
def test_settings_are_read_as_they_are_written(source, read):
    assert read(json.dumps(CONFIG), source)._asdict() == {name: CONFIG[name] for name in Settings._fields}


@pytest.mark.parametrize("given", [{"demo": True}, {"data": "a.h5", "augment": []}, {"data": "a.h5", "epochs": 1}])
def test_what_a_run_writes_resumes_to_the_same_settings(given, read, tmp_path):
    settings = complete_settings(given)
    write_config(str(tmp_path / "config.json"), settings, DataIdentity("ab", "ab", 2, 1, [10, 64, 64, 3]))
    assert read((tmp_path / "config.json").read_text(), "--resume") == settings


def test_a_run_of_an_earlier_version_lacks_what_came_later(read):
    config = {name: value for name, value in CONFIG.items() if name not in ADDED}
    assert read(json.dumps(config), "--resume")._asdict() == {
        name: {**CONFIG, **ADDED}[name] for name in Settings._fields
    }


def test_a_whole_number_stands_for_a_number_with_a_fraction(read):
    settings = read(json.dumps({**CONFIG, "epochs": None, "time_limit": 60}), "--config")
    assert settings.time_limit == 60.0 and isinstance(settings.time_limit, float)


@pytest.mark.promise("Input that is cut short or damaged never ends in a traceback")
@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize(
    "name, value, message",
    [
        ("data", 5, "takes text, not a number: 5"),
        ("data", ["a.h5"], "takes text, not a list: a.h5"),
        ("data", {"a": [1]}, "takes text, not an object: {...}"),
        ("data", True, "takes text, not true or false: True"),
        ("data", "a\0b", "'a\\x00b' is not a path"),
        ("data", "\ud800", "'\\ud800' is not a path"),
        ("data", "\udcff", "'\\udcff' is not a path"),
        ("validation_data", "a\0b", "'a\\x00b' is not a path"),
        ("validation_data", 5, "takes text, not a number: 5"),
        ("epochs", "1", "takes a number, not text: 1"),
        ("epochs", True, "'True' is not a positive whole number"),
        ("epochs", 1.5, "'1.5' is not a positive whole number"),
        ("batch_size", "abc", "'abc' is not a positive whole number"),
        ("batch_size", 0, "'0' is not a positive whole number"),
        ("batch_size", 10**18, f"takes at most 1000000, not {10**18}"),
        ("num_units", 1e20, "'1e+20' is not a positive whole number"),
        ("num_units", 10**20, f"takes at most 16384, not {10**20}"),
        ("members", 10**10, f"takes at most 1000, not {10**10}"),
        ("evaluations", 10**400, f"takes at most 1000000, not {10**400}"),
        ("window_megabytes", 1e300, "takes at most 1000000, not 1e+300"),
        ("learning_rate", -1, "'-1' is not a positive number"),
        ("learning_rate", "0.1", "takes a number, not text: 0.1"),
        ("learning_rate", 10**400, "'1" + "0" * 79 + "…' is not a positive number"),
        ("learning_rate", float("nan"), "'nan' is not a positive number"),
        ("augment", "mirror", "takes a list, not text: mirror"),
        ("augment", ["blur"], "'blur' is not a list of mirror,"),
        ("augment", [["mirror"]], "'[...]' is not a list of mirror,"),
        ("network", "evil", "invalid choice: 'evil'"),
        ("network", ["strided"], "takes text, not a list: strided"),
        ("precision", "float16", "invalid choice: 'float16'"),
        ("validation_split", "people", "invalid choice: 'people'"),
        ("seed", "x", "'x' is not a whole number from 0 to 2147483647"),
        ("seed", 10**30, f"'{10**30}' is not a whole number from 0 to 2147483647"),
        ("demo", 1, "ignored explicit argument '1'"),
    ],
)
def test_a_value_that_no_run_writes_is_refused(name, value, message, source, refused, tmp_path):
    line = refused(json.dumps({**CONFIG, name: value}), source, tmp_path / "config.json")
    assert line.startswith(f": argument --{name.replace('_', '-')}: {message}")


@pytest.mark.promise("Input that is cut short or damaged never ends in a traceback")
@pytest.mark.parametrize(
    "source, verdict", [("--config", "is not JSON"), ("--resume", "is not the config.json of a run")]
)
@pytest.mark.parametrize("nested", ["[" * 100_000, "[" * 100_000 + "]" * 100_000, '{"a":' * 100_000])
def test_a_file_that_is_nested_too_deeply_is_refused(nested, source, verdict, refused, tmp_path):
    for text in (nested, json.dumps(CONFIG).replace('"people.h5"', nested)):
        assert refused(text, source, tmp_path / "config.json").startswith(f" {verdict} (lists nested too deeply)")


@pytest.mark.parametrize("source", SOURCES)
def test_a_value_that_is_nested_deeply_is_refused(source, refused, tmp_path):
    nested = "[" * 500 + "]" * 500
    for old, message in (
        ('"people.h5"', "--data: takes text, not a list: [...]"),
        ('"demo": false', "--demo: ignored explicit argument '[...]'"),
    ):
        text = json.dumps(CONFIG).replace(old, f'"demo": {nested}' if "demo" in old else nested)
        assert refused(text, source, tmp_path / "config.json") == f": argument {message}"


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("text", ["\ufeff{}", '{"seed": 1' + "0" * 5000 + "}", "{}, {}"])
def test_what_is_not_json_is_refused(text, source, refused, tmp_path):
    assert refused(text, source, tmp_path / "config.json").startswith(" is not ")


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"augment": None}, "augment is null"),
        ({"batch_size": None}, "batch_size is null"),
        ({"data": None}, "it names no data"),
        ({"epochs": None}, "it has no limit"),
    ],
)
def test_a_run_that_lacks_a_value_is_not_resumed(changes, message, refused, tmp_path):
    line = refused(json.dumps({**CONFIG, **changes}), "--resume", tmp_path / "config.json")
    assert line == f" is not the config.json of a run ({message}); start a new run"


@pytest.mark.parametrize(
    "option, message",
    [
        ("--data=\udcff.h5", "argument --data: '\\udcff.h5' is not a path"),
        ("--validation-data=\udcff.h5", "argument --validation-data: '\\udcff.h5' is not a path"),
        ("--num-units=100000000000000000000", "argument --num-units: takes at most 16384, not 1"),
        ("--evaluations=1" + "0" * 400, "argument --evaluations: takes at most 1000000, not 1"),
        ("--evaluations=1" + "0" * 5000, "argument --evaluations: '1" + "0" * 79 + "…' is not a positive whole number"),
        ("--window-megabytes=1e300", "argument --window-megabytes: takes at most 1000000, not 1e300"),
    ],
)
def test_an_option_is_held_to_the_same_limits(option, message, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["train.py", "--data", "people.h5", option])
    with pytest.raises(UserError) as error:
        parse_arguments("")
    assert str(error.value).startswith(message)


@pytest.mark.parametrize("name, most", [("num_units", 16384), ("evaluations", 10**6), ("window_megabytes", 1e6)])
def test_the_largest_value_is_taken(name, most, read):
    for source in SOURCES:
        assert getattr(read(json.dumps({**CONFIG, name: most}), source), name) == most
