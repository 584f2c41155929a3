import contextlib
import dataclasses
import json
import shutil

import h5py
import numpy as np
import pytest

from run.config_file import read_config, write_config
from run.data import check_same_data, data_identity, open_run_data
from run.folder import RunPaths
from run.settings import complete_settings
from support.user_error import UserError


@pytest.fixture
def paths(tmp_path):
    """The RunPaths of an empty folder."""
    (tmp_path / "run").mkdir()
    return RunPaths(str(tmp_path / "run"))


@pytest.fixture
def identity_of(paths):
    """Opens the data of these settings as a run does; returns their identity."""

    def identity_of(settings):
        with contextlib.ExitStack() as open_files:
            return data_identity(open_run_data(settings, paths, open_files))

    return identity_of


def test_moved_data_are_recognized_by_their_content(people, paths, identity_of, tmp_path):
    settings = complete_settings({"data": str(people.path)})
    write_config(paths.config, settings, identity_of(settings))
    moved = shutil.copy(people.path, tmp_path / "moved.h5")
    check_same_data(read_config(paths.config), identity_of(dataclasses.replace(settings, data=str(moved))))

    with h5py.File(moved, "r+") as file:
        file.attrs["source_sha256"] = np.bytes_("cd" * 32)
    other = identity_of(dataclasses.replace(settings, data=str(moved)))
    with pytest.raises(UserError, match="the data set differs .*; give that one with --data"):
        check_same_data(read_config(paths.config), other)


@pytest.mark.parametrize("name, option", [("data", "--data"), ("validation_data", "--validation-data")])
def test_missing_data_of_a_resumed_run_are_asked_for(name, option, people, paths, identity_of, tmp_path):
    missing = str(tmp_path / "nowhere.h5")
    settings = complete_settings({"data": str(people.path), name: missing})
    with pytest.raises(FileNotFoundError):
        identity_of(settings)
    with open(paths.config, "w") as file:
        json.dump({}, file)
    with pytest.raises(UserError, match=f"nowhere.h5 does not exist; if the data of the run have moved, add {option} "):
        identity_of(settings)
