import os
import shutil

import numpy as np
import pytest

from model.export import saved_model
from model.export.contract import contract_breaches
from model.export.saved_model import copy_model, import_graph, loaded_model, restore_weights, save_model
from pipeline.tensorflow_v1 import tf
from support.user_error import UserError
from tests.model.export.foreign_model import foreign_network, save_foreign_model

FOUR_FILES = ["checkpoint", "my_model.data-00000-of-00001", "my_model.index", "my_model.meta"]


@pytest.fixture
def saved(inference_model, tmp_path):
    """The folder that save_model wrote, the only one in tmp_path."""
    save_model(str(tmp_path / "model"), *inference_model)
    return tmp_path / "model"


def contents_of(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def meta_graph_of(folder):
    meta_graph = tf.MetaGraphDef()
    meta_graph.ParseFromString((folder / "my_model.meta").read_bytes())
    return meta_graph


def test_saves_exactly_the_four_files(saved, tmp_path):
    assert sorted(os.listdir(saved)) == FOUR_FILES
    assert os.listdir(tmp_path) == ["model"]
    assert contract_breaches(str(saved)) == []


def test_the_paths_inside_are_relative(saved, tmp_path):
    lines = (saved / "checkpoint").read_text().splitlines()
    assert lines[:2] == ['model_checkpoint_path: "my_model"', 'all_model_checkpoint_paths: "my_model"']
    for contents in contents_of(saved).values():
        assert str(tmp_path).encode() not in contents


def test_works_from_any_folder(saved, inference_model, people, tmp_path, monkeypatch):
    inference, session = inference_model
    expected = session.run(inference.joint_pos, {inference.input_frames: people.frames[:3]})
    (tmp_path / "elsewhere").mkdir()
    shutil.move(saved, tmp_path / "elsewhere" / "theirs")
    monkeypatch.chdir(tmp_path / "elsewhere")
    for folder in ("theirs", str(tmp_path / "elsewhere" / "theirs")):
        with loaded_model(folder) as predictor:
            np.testing.assert_allclose(predictor.predict(people.frames[:3]), expected, atol=1e-4)
    monkeypatch.chdir("theirs")
    assert tf.train.latest_checkpoint(".") == "./my_model"


def test_loads_as_the_course_loads_it(saved, inference_model, people):
    inference, session = inference_model
    expected = session.run(inference.joint_pos, {inference.input_frames: people.frames[:3]})
    with tf.Graph().as_default(), tf.Session() as other_session:
        saver = tf.train.import_meta_graph(str(saved / "my_model.meta"))
        saver.restore(other_session, tf.train.latest_checkpoint(str(saved)))
        input_frames, joint_pos = tf.get_collection("validation_nodes")
        positions = other_session.run(joint_pos, {input_frames: people.frames[:3]})
    np.testing.assert_allclose(positions, expected, atol=1e-4)


def test_the_saved_graph_has_no_ops_or_variables_of_training(saved):
    names = [node.name.lower() for node in meta_graph_of(saved).graph_def.node]
    variables = [name.lower() for name, _ in tf.train.list_variables(str(saved / "my_model"))]
    for name in names + variables:
        assert not any(word in name for word in ("gradient", "adam", "beta1_power", "global_step", "iterator"))


def test_the_collection_is_saved_in_order(saved):
    collection = meta_graph_of(saved).collection_def["validation_nodes"]
    assert list(collection.node_list.value) == ["input_frames:0", "joint_pos:0"]


@pytest.mark.promise("An exported model is complete or absent, and replaces an older one only when it is complete")
def test_replaces_an_older_folder_completely(saved, inference_model, tmp_path):
    (saved / "notes.txt").write_text("of an older model")
    (saved / "my_model.meta").write_text("of an older model")
    save_model(str(saved), *inference_model)
    assert sorted(os.listdir(saved)) == FOUR_FILES and os.listdir(tmp_path) == ["model"]
    assert contract_breaches(str(saved)) == []


def test_saving_again_lists_one_checkpoint(saved, inference_model):
    save_model(str(saved), *inference_model)
    assert (saved / "checkpoint").read_text().count("all_model_checkpoint_paths") == 1


@pytest.mark.promise("An exported model is complete or absent, and replaces an older one only when it is complete")
def test_a_failed_save_keeps_the_older_folder(saved, inference_model, tmp_path):
    before = contents_of(tmp_path)
    inference, _ = inference_model
    with tf.Session(graph=inference.graph) as empty_session, pytest.raises(tf.errors.FailedPreconditionError):
        save_model(str(saved), inference, empty_session)
    assert contents_of(tmp_path) == before and os.listdir(tmp_path) == ["model"]
    with tf.Session(graph=inference.graph) as empty_session, pytest.raises(tf.errors.FailedPreconditionError):
        save_model(str(tmp_path / "new"), inference, empty_session)
    assert os.listdir(tmp_path) == ["model"]


@pytest.mark.promise("An exported model is complete or absent, and replaces an older one only when it is complete")
def test_a_failed_rename_keeps_the_older_folder(saved, inference_model, tmp_path, monkeypatch):
    before = contents_of(tmp_path)
    rename = os.rename

    def refuse(source, destination):
        if destination == str(saved) and source.endswith(".partial"):
            raise PermissionError(13, "refused", destination)
        rename(source, destination)

    monkeypatch.setattr(saved_model.os, "rename", refuse)
    with pytest.raises(PermissionError):
        save_model(str(saved), *inference_model)
    assert contents_of(tmp_path) == before and os.listdir(tmp_path) == ["model"]


@pytest.mark.promise("A full disk ends a command with one error line, and files that were complete stay complete")
def test_a_full_disk_keeps_the_older_folder(saved, inference_model, tmp_path, limited_file_size):
    before = contents_of(tmp_path)
    for change, error in (
        (lambda: save_model(str(saved), *inference_model), UserError),
        (lambda: copy_model(str(saved), str(tmp_path / "copy")), OSError),
    ):
        with limited_file_size(1000), pytest.raises(error, match="File too large"):
            change()
        assert contents_of(tmp_path) == before and os.listdir(tmp_path) == ["model"]


def test_a_copy_has_exactly_the_four_files(saved, tmp_path):
    (saved / "notes.txt").write_text("not of the model")
    copy_model(str(saved), str(tmp_path / "copy"))
    (saved / "notes.txt").unlink()
    assert contents_of(tmp_path / "copy") == contents_of(saved)
    assert sorted(os.listdir(tmp_path)) == ["copy", "model"]


@pytest.mark.promise("An exported model is complete or absent, and replaces an older one only when it is complete")
def test_a_failed_copy_keeps_the_older_folder(saved, tmp_path):
    copy_model(str(saved), str(tmp_path / "copy"))
    (saved / "my_model.index").unlink()
    before = contents_of(tmp_path)
    for name in ("copy", "new"):
        with pytest.raises(FileNotFoundError):
            copy_model(str(saved), str(tmp_path / name))
        assert contents_of(tmp_path) == before and sorted(os.listdir(tmp_path)) == ["copy", "model"]


def test_loads_a_model_of_another_program(people, tmp_path):
    folder = save_foreign_model(tmp_path / "model", foreign_network)
    graph = import_graph(str(folder / "my_model.meta"))
    with tf.Session(graph=graph) as session:
        restore_weights(str(folder / "my_model"), graph, session)
        expected = session.run("joint_pos:0", {"input_frames:0": people.frames[:3]})
    with loaded_model(str(folder)) as predictor:
        np.testing.assert_allclose(predictor.predict(people.frames[:3]), expected, atol=1e-4)


@pytest.mark.promise("A model that cannot be loaded is rejected with a message of one line")
@pytest.mark.parametrize("name, message", [("my_model.meta", "as a graph"), ("my_model.index", "weights")])
def test_a_damaged_file_is_a_user_error(name, message, saved):
    (saved / name).write_bytes((saved / name).read_bytes()[:100])
    with pytest.raises(UserError, match=message) as refused, loaded_model(str(saved)):
        pass
    assert str(saved) in str(refused.value) and "\n" not in str(refused.value)
