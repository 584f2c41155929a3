import os
import shutil

import pytest

from model.export.contract import examined_model
from model.export.found_model import find_model
from support.user_error import UserError


@pytest.fixture
def positions_of(people):
    """A function that checks how each breach begins and returns the positions of three sequences."""

    def positions_of(folder, *beginnings):
        with examined_model(str(folder)) as examined:
            assert [line[: len(text)] for line, text in zip(examined.breaches, beginnings, strict=True)] == [
                *beginnings
            ]
            return examined.predictor.predict(people.frames[:3]).tolist()

    return positions_of


def rename(folder, old, new):
    for name in os.listdir(folder):
        if name.startswith(old + "."):
            (folder / name).rename(folder / name.replace(old, new, 1))


@pytest.mark.parametrize("name", [".DS_Store", "PA4.py", "report.pdf"])
def test_a_model_with_extra_files_is_scored(name, folder, fine_model, positions_of):
    (folder / name).write_bytes(b"something")
    assert positions_of(folder, f"{name} does not belong to the model") == positions_of(fine_model)


@pytest.mark.parametrize("name", ["model-2", "my_model.ckpt", "PA4[final]"])
def test_a_model_under_another_name_is_scored(name, folder, fine_model, positions_of):
    rename(folder, "my_model", name)
    (folder / "checkpoint").write_text(f'model_checkpoint_path: "{name}"\n')
    beginnings = f"the graph is saved as {name}.meta, not my_model.meta", f"the weights are saved as {name}, not"
    assert positions_of(folder, *beginnings) == positions_of(fine_model)


def test_weights_under_another_name_than_the_graph_are_restored(folder, fine_model, positions_of):
    rename(folder, "my_model", "model-2")
    (folder / "model-2.meta").rename(folder / "my_model.meta")
    assert positions_of(folder, "the weights are saved as model-2, not my_model") == positions_of(fine_model)


@pytest.mark.parametrize("inner", ["my_model", "PA4/final", "model"])
def test_a_model_in_a_subfolder_is_scored(inner, fine_model, tmp_path, positions_of):
    shutil.copytree(fine_model, tmp_path / "handed in" / inner)
    (tmp_path / "handed in" / "report.pdf").touch()
    (tmp_path / "handed in" / "__MACOSX").mkdir()
    (tmp_path / "handed in" / "__MACOSX" / "._my_model.meta").touch()
    assert positions_of(tmp_path / "handed in", f"the model is in the subfolder {inner};") == positions_of(fine_model)


def test_the_exported_model_of_a_run_is_scored(fine_model, tmp_path, positions_of):
    for inner in ("model", "checkpoints/best-7", "checkpoints/best-9"):
        shutil.copytree(fine_model, tmp_path / "run" / inner)
    assert positions_of(tmp_path / "run", "the model is in the subfolder model;") == positions_of(fine_model)


def test_brackets_in_a_path_are_not_a_pattern(fine_model, tmp_path, positions_of):
    copied = shutil.copytree(fine_model, tmp_path / "lab [1-3] *" / "model")
    assert positions_of(copied) == positions_of(fine_model)


def test_a_model_without_checkpoint_is_scored(folder, fine_model, positions_of):
    (folder / "checkpoint").unlink()
    assert positions_of(folder, "the file checkpoint is missing") == positions_of(fine_model)


def test_a_model_with_an_absolute_path_in_checkpoint_is_scored(folder, fine_model, positions_of):
    (folder / "checkpoint").write_text('model_checkpoint_path: "/home/student/my_model"\n')
    assert positions_of(folder, "the file checkpoint has the absolute path") == positions_of(fine_model)


def test_the_model_with_the_right_name_is_scored(folder, fine_model, positions_of):
    for name in ("my_model.meta", "my_model.index", "my_model.data-00000-of-00001"):
        shutil.copy(folder / name, folder / name.replace("my_model", "my_model-100"))
    extra = [
        f"my_model-100.{ending} does not belong to the model" for ending in ("data-00000-of-00001", "index", "meta")
    ]
    assert positions_of(folder, *extra) == positions_of(fine_model)


def only_breach(folder):
    found = find_model(str(folder))
    [breach] = found.breaches
    assert found.graph == found.weights == ""
    return breach


def test_several_models_are_listed(fine_model, tmp_path):
    for inner in ("first", "second"):
        shutil.copytree(fine_model, tmp_path / inner)
    assert only_breach(tmp_path) == "there are 2 models, in first, second; give the folder of one"


def test_several_graphs_are_listed(folder):
    rename(folder, "my_model", "model-1")
    shutil.copy(folder / "model-1.meta", folder / "model-2.meta")
    (folder / "checkpoint").write_text('model_checkpoint_path: "model-3"\n')
    found = find_model(str(folder))
    assert found.graph == "" and found.breaches[0].startswith("there are 2 graphs, model-1, model-2;")


def test_other_files_are_listed(tmp_path):
    assert only_breach(tmp_path).startswith("no saved model found: the folder is empty")
    (tmp_path / "notes.txt").touch()
    assert only_breach(tmp_path).startswith("no saved model found: the folder contains notes.txt")


def test_a_folder_with_too_many_subfolders_is_not_searched(tmp_path):
    for number in range(1001):
        (tmp_path / str(number)).mkdir()
    with pytest.raises(UserError, match="more than 1000 subfolders"):
        find_model(str(tmp_path))


@pytest.mark.promise("A saved model can read only the files in its own folder")
def test_a_link_to_a_folder_is_not_followed(fine_model, tmp_path):
    (tmp_path / "handed in").mkdir()
    (tmp_path / "handed in" / "my_model").symlink_to(fine_model)
    assert only_breach(tmp_path / "handed in").startswith("no saved model found: the folder contains my_model")


def test_a_checkpoint_file_with_very_many_paths_gives_few_messages(folder):
    (folder / "checkpoint").write_text("".join(f'model_checkpoint_path: "/home/{n}"\n' for n in range(22000)))
    assert len(find_model(str(folder)).breaches) == 6
