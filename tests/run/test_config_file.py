"""The settings of a run, read from the command line, from a --config file and from a run to resume."""

import json
import sys

import pytest

from run.arguments import parse_arguments
from run.config_file import write_config
from run.data import DataIdentity
from run.settings import SETTINGS, complete_settings
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
    "evaluations": 30,
    "seed": 3,
    "precision": "float32",
    "validation_split": "tail",
    "validation_sequences": 20,
    "validation_data": None,
    "window_megabytes": 64.0,
    "videos": [],
    "exclude_videos": ["people.h5:0-3,7"],
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
def test_settings_are_read_from_a_file(source, read):
    assert vars(read(json.dumps(CONFIG), source)) == {name: CONFIG[name] for name in SETTINGS}


@pytest.mark.parametrize("given", [{"demo": True}, {"data": "a.h5", "augment": []}, {"data": "a.h5", "epochs": 1}])
def test_written_settings_are_those_of_the_resumed_run(given, read, tmp_path):
    settings = complete_settings(given)
    write_config(str(tmp_path / "config.json"), settings, DataIdentity("ab", "ab", 2, 1, [10, 64, 64, 3]))
    assert read((tmp_path / "config.json").read_text(), "--resume") == settings


@pytest.mark.parametrize("source", SOURCES)
def test_a_config_of_an_earlier_version_may_lack_newer_settings(source, read):
    newer = ("window_megabytes", "exact", "videos", "exclude_videos")
    older = {name: value for name, value in CONFIG.items() if name not in newer}
    assert read(json.dumps(older), source) == read(json.dumps({**CONFIG, "exclude_videos": []}), source)


@pytest.mark.parametrize("source", SOURCES)
def test_several_files_are_a_list_and_one_is_a_path(source, read):
    assert read(json.dumps({**CONFIG, "data": ["a.h5", "b.h5:3"]}), source).data == ["a.h5", "b.h5:3"]
    assert read(json.dumps({**CONFIG, "data": ["a.h5"]}), source).data == "a.h5"


@pytest.mark.parametrize("source", SOURCES)
def test_a_whole_number_is_converted_for_a_setting_that_is_a_float(source, read):
    settings = read(json.dumps({**CONFIG, "epochs": None, "time_limit": 60}), source)
    assert settings.time_limit == 60.0 and isinstance(settings.time_limit, float)


@pytest.mark.promise("Truncated or damaged input is reported in an error line, never as a traceback")
@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize(
    "name, value, message",
    [
        ("data", 5, "5 is not a path"),
        ("data", [], "[] is not a path, or a list of paths"),
        ("data", ["a.h5", 5], "['a.h5', 5] is not a path, or a list of paths"),
        ("videos", "0-3", "'0-3' is not a list of numbers and ranges such as 0-4,7"),
        ("videos", ["0-3", "some"], "['0-3', 'some'] is not a list of numbers and ranges"),
        ("exclude_videos", [3], "[3] is not a list of numbers and ranges"),
        ("data", {"a": [1]}, "{'a': [1]} is not a path"),
        ("data", True, "True is not a path"),
        ("data", "a\0b", "'a\\x00b' is not a path"),
        ("data", "\ud800", "'\\ud800' is not a path"),
        ("data", "\udcff", "'\\udcff' is not a path"),
        ("validation_data", "a\0b", "'a\\x00b' is not a path"),
        ("validation_data", 5, "5 is not a path"),
        ("epochs", "1", "'1' is not a whole number from 1 to 2147483647"),
        ("epochs", True, "True is not a whole number"),
        ("epochs", 1.0, "1.0 is not a whole number"),
        ("batch_size", "abc", "'abc' is not a whole number"),
        ("batch_size", 0, "0 is not a whole number from 1 to 1000000"),
        ("batch_size", 10**18, f"{10**18} is not a whole number from 1 to 1000000"),
        ("num_units", 1e20, "1e+20 is not a whole number from 1 to 16384"),
        ("num_units", 16385, "16385 is not a whole number from 1 to 16384"),
        ("evaluations", 10**400, "100000000000000000...0000000000000000000 is not a whole number from 1 to 1000000"),
        ("window_megabytes", 1e300, "1e+300 is not a positive number up to 1000000"),
        ("learning_rate", -1, "-1 is not a positive number"),
        ("learning_rate", "0.1", "'0.1' is not a positive number"),
        ("learning_rate", True, "True is not a positive number"),
        ("learning_rate", 10**400, "100000000000000000...0000000000000000000 is not a positive number"),
        ("learning_rate", float("nan"), "nan is not a positive number"),
        ("learning_rate", float("inf"), "inf is not a positive number"),
        ("augment", "mirror", "'mirror' is not a list of mirror,"),
        ("augment", ["blur"], "['blur'] is not a list of mirror,"),
        ("augment", [["mirror"]], "[['mirror']] is not a list of mirror,"),
        ("network", "evil", "'evil' is not one of strided, pyramid"),
        ("network", ["strided"], "['strided'] is not one of strided, pyramid"),
        ("precision", "float16", "'float16' is not one of auto, float32, bfloat16"),
        ("validation_split", "people", "'people' is not one of video, random, tail, none"),
        ("seed", "x", "'x' is not a whole number from 0 to 2147483647"),
        ("seed", 10**30, f"{10**30} is not a whole number from 0 to 2147483647"),
        ("demo", 1, "1 is not true or false"),
        ("exact", "yes", "'yes' is not true or false"),
    ],
)
def test_an_invalid_value_is_refused(name, value, message, source, refused, tmp_path):
    line = refused(json.dumps({**CONFIG, name: value}), source, tmp_path / "config.json")
    assert line.startswith(f": {name}: {message}")


@pytest.mark.promise("Truncated or damaged input is reported in an error line, never as a traceback")
@pytest.mark.parametrize(
    "source, verdict", [("--config", "is not valid JSON"), ("--resume", "is not the config.json of a run")]
)
@pytest.mark.parametrize("nested", ["[" * 100_000, "[" * 100_000 + "]" * 100_000, '{"a":' * 100_000])
def test_a_deeply_nested_file_is_refused(nested, source, verdict, refused, tmp_path):
    for text in (nested, json.dumps(CONFIG).replace('"people.h5"', nested)):
        assert refused(text, source, tmp_path / "config.json").startswith(f" {verdict} (lists nested too deeply)")


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("name", ["data", "demo", "augment", "seed"])
def test_a_deeply_nested_value_is_refused(name, source, refused, tmp_path):
    text = json.dumps({**CONFIG, name: "NESTED"}).replace('"NESTED"', "[" * 500 + "]" * 500)
    assert refused(text, source, tmp_path / "config.json").startswith(f": {name}: [[[[[[[...]]]]]]] is not ")


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("text", ["\ufeff{}", '{"seed": 1' + "0" * 5000 + "}", "{}, {}", "[]"])
def test_a_file_that_is_not_a_json_object_is_refused(text, source, refused, tmp_path):
    assert refused(text, source, tmp_path / "config.json").startswith(" is not ")


@pytest.mark.parametrize("source", SOURCES)
def test_both_data_and_a_demo_are_refused(source, refused, tmp_path):
    line = refused(json.dumps({**CONFIG, "demo": True}), source, tmp_path / "config.json")
    assert line == " has both data and demo; remove one"


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"augment": None}, "augment is null"),
        ({"batch_size": None}, "batch_size is null"),
        ({"data": None}, "it has neither data nor demo"),
        ({"epochs": None}, "it has neither epochs nor time_limit"),
    ],
)
def test_a_run_without_a_required_setting_is_not_resumed(changes, message, refused, tmp_path):
    line = refused(json.dumps({**CONFIG, **changes}), "--resume", tmp_path / "config.json")
    assert line == f" is not the config.json of a run ({message}); start a new run"


@pytest.mark.parametrize("name, most", [("num_units", 16384), ("evaluations", 10**6), ("window_megabytes", 1e6)])
@pytest.mark.parametrize("source", SOURCES)
def test_the_largest_value_is_accepted(name, most, source, read):
    assert getattr(read(json.dumps({**CONFIG, name: most}), source), name) == most
