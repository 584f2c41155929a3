import os

import pytest

from run.folder import claimed_folder
from support import destination
from support.user_error import UserError


@pytest.mark.promise("Two runs never write to the same folder")
@pytest.mark.parametrize("resume", [False, True])
def test_a_folder_is_claimed_once(resume, tmp_path):
    out = str(tmp_path / "runs" / "first")
    with claimed_folder(out, resume=False):
        with pytest.raises(UserError, match="another run is writing to .*first; wait"), claimed_folder(out, resume):
            pass
        (tmp_path / "runs" / "first" / "config.json").touch()
    assert os.listdir(out) == ["config.json"]
    with claimed_folder(out, resume=True):
        pass
    with pytest.raises(UserError, match="first exists; give another --out, or --resume"), claimed_folder(out, False):
        pass


@pytest.mark.parametrize("name", ["run [1]", "run*", "what?"])
def test_a_name_with_wildcards_is_rejected(name, tmp_path):
    with (
        pytest.raises(UserError, match="as wildcards; give another --out"),
        claimed_folder(str(tmp_path / name), False),
    ):
        pass
    assert os.listdir(tmp_path) == []


def test_a_name_that_is_not_utf_8_is_rejected(tmp_path):
    with (
        pytest.raises(UserError, match="needs a path in UTF-8; give another --out"),
        claimed_folder(f"{tmp_path}/\udcff", False),
    ):
        pass
    assert os.listdir(tmp_path) == []


def test_an_error_before_the_config_is_written_leaves_nothing(tmp_path):
    with pytest.raises(KeyError), claimed_folder(str(tmp_path / "runs" / "first"), resume=False):
        (tmp_path / "runs" / "first" / "demo.pkl").touch()
        raise KeyError
    assert os.listdir(tmp_path) == []


def test_an_error_after_the_config_is_written_keeps_the_run(tmp_path):
    with pytest.raises(KeyError), claimed_folder(str(tmp_path / "first"), resume=False):
        (tmp_path / "first" / "config.json").touch()
        raise KeyError
    assert os.listdir(tmp_path / "first") == ["config.json"]


@pytest.mark.promise("Partial files that a killed process left behind are removed by the next one")
def test_a_demo_run_killed_before_its_config_starts_over(tmp_path):
    for name in (".lock", "demo.pkl", ".demo.h5.12.partial"):
        (tmp_path / name).touch()
    with claimed_folder(str(tmp_path), resume=False):
        (tmp_path / "config.json").touch()
    assert sorted(os.listdir(tmp_path)) == ["config.json", "demo.pkl"]


@pytest.mark.promise("Partial files that a killed process left behind are removed by the next one")
def test_partial_files_and_folders_are_removed(tmp_path):
    names = [".config.json.1.partial", "plots/.loss.png.22.partial", "notes.partial", ".notes.partial"]
    names += [f"{folder}/checkpoint" for folder in (".model.1.partial", ".model.1.old", "model")]
    names += ["checkpoints/.best-3.22.partial/checkpoint"]
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    with claimed_folder(str(tmp_path), resume=True):
        pass
    left = sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file())
    assert left == [".notes.partial", os.path.join("model", "checkpoint"), "notes.partial"]


@pytest.mark.promise("An exported model is complete or absent, and replaces an older one only when it is complete")
def test_the_older_model_is_restored_if_the_new_one_is_incomplete(tmp_path):
    (tmp_path / ".model.1.old").mkdir()
    (tmp_path / ".model.1.old" / "checkpoint").write_text("the older one")
    (tmp_path / ".model.1.partial").mkdir()
    with claimed_folder(str(tmp_path), resume=True):
        pass
    assert os.listdir(tmp_path) == ["model"]
    assert (tmp_path / "model" / "checkpoint").read_text() == "the older one"


@pytest.mark.promise("Two runs never write to the same folder")
def test_a_run_started_between_the_check_and_the_lock_is_not_overwritten(tmp_path, monkeypatch):
    lock = destination.lock
    monkeypatch.setattr(destination, "lock", lambda file: ((tmp_path / "config.json").touch(), lock(file)))
    with pytest.raises(UserError, match="exists; give another --out"), claimed_folder(str(tmp_path), resume=False):
        pass
    assert os.listdir(tmp_path) == ["config.json"]
