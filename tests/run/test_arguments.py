import dataclasses
import json
import os
import sys

import pytest

from pipeline.augmentation.augment import KINDS
from run.arguments import parse_arguments
from run.config_file import write_config
from run.data import DataIdentity
from run.settings import SETTINGS, complete_settings, default_text_of, option_of
from support.user_error import UserError

RUN = {
    "data": "people.h5",
    "epochs": 2,
    "augment": ["mirror", "shift"],
    "network": "pyramid",
    "batch_size": 4,
    "learning_rate": 0.004,
    "num_units": 8,
    "seed": 3,
    "precision": "float32",
    "validation_sequences": 20,
}


@pytest.fixture
def parse(tmp_path, monkeypatch):
    """Parses a command line in tmp_path."""

    def parse(*arguments):
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(sys, "argv", ["train.py", *map(str, arguments)])
        return parse_arguments("Trains.")

    return parse


@pytest.fixture
def refused(parse):
    """The error of a command line."""

    def refused(*arguments):
        with pytest.raises(UserError) as error:
            parse(*arguments)
        [line] = error.value.messages
        return line

    return refused


@pytest.fixture
def settings_of_run(tmp_path):
    """The settings of a run in tmp_path / "run", of which there is only the config.json."""
    (tmp_path / "run").mkdir()
    settings = complete_settings(RUN)
    write_config(str(tmp_path / "run" / "config.json"), settings, DataIdentity("ab", "ab", 2, 1, [10, 64, 64, 3]))
    return settings


# Help


@pytest.mark.parametrize("columns", [80, 100])
def test_help_shows_every_option_with_its_default_in_groups(columns, parse, monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", str(columns))
    with pytest.raises(SystemExit) as stopped:
        parse("--help")
    assert stopped.value.code == 0
    text = capsys.readouterr().out
    assert max(map(len, text.splitlines())) <= columns
    unwrapped = " ".join(text.split())
    for group in ("data", "duration", "model", "validation", "output", "cluster"):
        assert f"\n{group}:\n" in text
    for name, setting in SETTINGS.items():
        default = default_text_of(name)
        assert option_of(name) in text and setting.help + (f" (default: {default})" if default else "") in unwrapped
    for option in ("--no-augment", "--config", "--out", "--resume", "--tensorboard"):
        assert f"  {option}" in text
    assert "example: python train.py --data youtube_train_data.h5" in text


# Options


def test_options_that_are_not_settings(parse):
    request = parse("--demo", "--out", "there", "--tensorboard")
    assert (request.out, request.resume, request.tensorboard) == ("there", False, True)
    request = parse("--demo")
    assert os.path.dirname(request.out) == "runs" and not request.tensorboard


@pytest.mark.parametrize(
    "arguments, expected",
    [
        ([], {"network": "pyramid", "batch_size": 24, "num_units": 128, "evaluations": 12}),
        (["--no-augment"], {"augment": [], "network": "strided", "batch_size": 16, "learning_rate": 0.005}),
        (["--no-augment"], {"num_units": 64, "evaluations": 30}),
        (["--augment"], {"augment": list(KINDS), "network": "pyramid"}),
        (["--augment", "shift,mirror"], {"augment": ["mirror", "shift"], "network": "pyramid"}),
        (["--network", "strided", "--batch-size", "3"], {"network": "strided", "batch_size": 3, "num_units": 64}),
    ],
)
def test_defaults_depend_on_the_network_and_the_network_on_augmentation(arguments, expected, parse):
    assert expected.items() <= vars(parse("--data", "data.h5", *arguments).settings).items()


@pytest.mark.parametrize(
    "arguments, epochs, seconds",
    [
        (["--data", "data.h5"], None, 300),
        (["--demo"], None, 60),
        (["--demo", "--epochs", "2"], 2, None),
        (["--demo", "--epochs", "2", "--time-limit", "5"], 2, 5),
    ],
)
def test_the_time_limit_has_a_default_unless_epochs_are_given(arguments, epochs, seconds, parse):
    settings = parse(*arguments).settings
    assert (settings.epochs, settings.time_limit) == (epochs, seconds)


def test_exactly_one_of_data_and_a_demo_is_needed(refused):
    for arguments in ([], ["--data", "data.h5", "--demo"]):
        assert "give either --data FILE.h5 or --demo" in refused(*arguments)


def test_augmentation_is_either_on_or_off(refused):
    assert "not allowed with" in refused("--data", "data.h5", "--augment", "mirror", "--no-augment")


def test_validation_data_is_refused_together_with_a_split(refused):
    for option in (["--validation-split", "video"], ["--validation-sequences", "10"]):
        line = refused("--data", "data.h5", "--validation-data", "other.h5", *option)
        assert line.startswith("--validation-data replaces the split; omit ")


@pytest.mark.parametrize(
    "option, values",
    [
        ("--epochs", ["0", "-1", "1.5", "many"]),
        ("--time-limit", ["0", "-1", "nan", "inf", "long"]),
        ("--augment", ["blur", "mirror,", "mirror scale", ""]),
        ("--network", ["deep"]),
        ("--batch-size", ["0", "-1", "2.5"]),
        ("--learning-rate", ["0", "-1", "nan", "inf", "high"]),
        ("--num-units", ["0", "-1", "16385"]),
        ("--seed", ["-1", "2147483648", "x"]),
        ("--precision", ["float16"]),
        ("--validation-split", ["people"]),
        ("--validation-sequences", ["0", "-1", "all"]),
        ("--window-megabytes", ["0", "-1", "nan", "large", "1e300"]),
        ("--evaluations", ["1" + "0" * 50]),
        ("--data", ["\udcff.h5"]),
        ("--videos", ["all", "1-", "-1"]),
        ("--exclude-videos", ["a.h5:"]),
        ("--validation-data", ["\udcff.h5"]),
    ],
)
def test_an_invalid_value_is_refused(option, values, refused):
    for value in values:
        line = refused("--data", "data.h5", f"{option}={value}")
        assert line.startswith(f"argument {option}: {value!r} is not ") and "--help lists the options" in line


def test_a_quoted_value_is_shortened(refused):
    assert len(refused("--demo", "--evaluations=1" + "0" * 5000)) < 300


def test_an_unknown_option_is_refused(refused):
    assert "--speed" in refused("--demo", "--speed", "fast")


def test_several_files_and_videos(parse, refused):
    assert parse("--data", "a.h5").settings.data == "a.h5"
    arguments = ["--data", "a.h5", "b.h5:3", "--videos", "a.h5:0-3", "b.h5:1", "--exclude-videos", "b.h5:7"]
    settings = parse("--data", "c.h5", *arguments).settings
    assert settings.data == ["a.h5", "b.h5:3"]
    assert (settings.videos, settings.exclude_videos) == (["a.h5:0-3", "b.h5:1"], ["b.h5:7"])
    line = refused("--data", "a.h5", "--videos", "0-3", "all")
    assert line.startswith("argument --videos: 'all' is not a list of numbers and ranges such as 0-4,7")


# --config


def test_a_config_file_gives_the_settings_of_its_run(settings_of_run, parse):
    request = parse("--config", "run/config.json", "--out", "again")
    assert (request.settings, request.out, request.resume) == (settings_of_run, "again", False)


@pytest.mark.parametrize(
    "arguments, expected",
    [
        (["--seed", "9"], {"seed": 9}),
        (["--no-augment"], {"augment": []}),
        (["--data", "other.h5"], {"data": "other.h5"}),
        (["--demo"], {"data": None, "demo": True}),
        (["--epochs", "7"], {"epochs": 7}),
        (["--time-limit", "30"], {"epochs": None, "time_limit": 30.0}),
        (["--validation-data", "v.h5"], {"validation_data": "v.h5", "validation_sequences": None}),
    ],
)
def test_options_override_a_config_file(arguments, expected, settings_of_run, parse):
    settings = parse("--config", "run/config.json", *arguments).settings
    assert settings == dataclasses.replace(settings_of_run, **expected)


def test_a_split_replaces_the_validation_data_of_a_config_file(tmp_path, parse):
    config = {"data": "data.h5", "validation_data": "other.h5", "augment": [], "epochs": 2}
    (tmp_path / "config.json").write_text(json.dumps(config))
    settings = parse("--config", "config.json", "--validation-split", "tail").settings
    assert (settings.validation_data, settings.validation_split) == (None, "tail")
    assert (settings.augment, settings.network, settings.time_limit) == ([], "strided", None)


@pytest.mark.parametrize(
    "contents, message",
    [
        ("", "config.json is not valid JSON"),
        ("[]", "config.json is not an object of settings"),
        ('{"data": "d.h5", "learning-rate": 1}', "config.json has unknown settings: learning-rate; remove them"),
        ("{}", "give either --data FILE.h5 or --demo"),
    ],
)
def test_a_file_that_is_not_a_config_is_refused(contents, message, refused, tmp_path):
    (tmp_path / "config.json").write_text(contents)
    assert refused("--config", "config.json").startswith(message)


# --resume


def test_a_resumed_run_keeps_its_settings(settings_of_run, parse):
    for arguments in ([], ["--seed", "3"], ["--augment", "shift,mirror", "--epochs", "2"]):
        request = parse("--resume", "--out", "run", *arguments)
        assert (request.settings, request.out, request.resume) == (settings_of_run, "run", True)


def test_a_resumed_run_may_find_its_data_elsewhere(settings_of_run, parse, tmp_path):
    request = parse("--resume", "--out", "run", "--data", "moved/people.h5")
    assert request.settings == dataclasses.replace(settings_of_run, data="moved/people.h5")
    settings = dataclasses.replace(settings_of_run, validation_data="other.h5", validation_sequences=None)
    write_config(str(tmp_path / "run" / "config.json"), settings, DataIdentity("ab", "cd", 2, 1, [10, 64, 64, 3]))
    request = parse("--resume", "--out", "run", "--validation-data", "/mnt/other.h5")
    assert request.settings == dataclasses.replace(settings, validation_data="/mnt/other.h5")


@pytest.mark.parametrize(
    "option, present",
    [
        ("--epochs 3", "--epochs 2"),
        ("--time-limit 60.5", "no --time-limit"),
        ("--augment mirror", "--augment mirror,shift"),
        ("--no-augment", "--augment mirror,shift"),
        ("--network strided", "--network pyramid"),
        ("--batch-size 5", "--batch-size 4"),
        ("--learning-rate 0.5", "--learning-rate 0.004"),
        ("--num-units 9", "--num-units 8"),
        ("--seed 4", "--seed 3"),
        ("--precision auto", "--precision float32"),
        ("--validation-split random", "--validation-split video"),
        ("--validation-sequences 21", "--validation-sequences 20"),
        ("--validation-data other.h5", "no --validation-data"),
        ("--window-megabytes 32.0", "--window-megabytes 64.0"),
        ("--videos 0-3 5", "no --videos"),
        ("--demo", "no --demo"),
        ("--exact", "no --exact"),
    ],
)
def test_a_run_is_not_resumed_with_another_setting(option, present, refused, settings_of_run):
    name = option.split()[0]
    line = refused("--resume", "--out", "run", *option.split())
    assert line == f"{option} differs from the run, which has {present}; omit {name} to resume it"


def test_resuming_needs_the_folder_of_a_run(refused, tmp_path):
    (tmp_path / "empty").mkdir()
    assert "--resume needs the folder of the run" in refused("--resume")
    for name in ("empty", "nowhere"):
        assert refused("--resume", "--out", name).startswith(f"{name} contains no run to resume")
    for contents in ("", "{}", "[]", "not JSON"):
        (tmp_path / "empty" / "config.json").write_text(contents)
        assert "is not the config.json of a run" in refused("--resume", "--out", "empty")


def test_resuming_excludes_a_config_file(refused, settings_of_run):
    line = refused("--resume", "--out", "run", "--config", "run/config.json")
    assert line == "--resume uses the settings of the run in --out; omit --config"


def test_a_worker_without_the_folder_of_the_run_resumes_with_its_options(monkeypatch, tmp_path):
    monkeypatch.setattr(sys, "argv", ["train.py", "--resume", "--out", str(tmp_path / "nowhere"), "--demo"])
    request = parse_arguments("Trains.", is_chief=False)
    assert request.resume and request.settings == complete_settings({"demo": True})
