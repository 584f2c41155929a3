import os
import shutil

import numpy as np
import pytest

from model.export import saved_model
from model.export.contract import contract_breaches
from model.export.graph import build_inference_graph, load_weights
from model.export.saved_model import copy_model, import_graph, loaded_model, restore_weights, save_model
from model.network_kinds import NETWORKS
from pipeline.tensorflow_v1 import tf
from support.user_error import UserError
from tests.conftest import drawn_weights
from tests.model.export.foreign_model import foreign_network, save_foreign_model
from tests.model.export.tensorflow_1_15_registry import breaches_of_tensorflow_1_15

FOUR_FILES = ["checkpoint", "my_model.data-00000-of-00001", "my_model.index", "my_model.meta"]


@pytest.fixture
def saved(inference_model, tmp_path):
    """The folder that save_model wrote, alone in tmp_path."""
    save_model(str(tmp_path / "model"), *inference_model)
    return tmp_path / "model"


def contents_of(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def meta_graph_of(folder):
    meta_graph = tf.MetaGraphDef()
    meta_graph.ParseFromString((folder / "my_model.meta").read_bytes())
    return meta_graph


def test_leaves_the_four_files_and_nothing_else(saved, tmp_path):
    assert sorted(os.listdir(saved)) == FOUR_FILES
    assert os.listdir(tmp_path) == ["model"]
    assert contract_breaches(str(saved)) == []


def test_the_paths_inside_are_relative(saved, tmp_path):
    lines = (saved / "checkpoint").read_text().splitlines()
    assert lines[:2] == ['model_checkpoint_path: "my_model"', 'all_model_checkpoint_paths: "my_model"']
    for contents in contents_of(saved).values():
        assert str(tmp_path).encode() not in contents


def test_works_from_whatever_folder_it_is_put_in(saved, inference_model, people, tmp_path, monkeypatch):
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


def test_tensorflow_1_15_takes_the_graph(saved):
    meta_graph = meta_graph_of(saved)
    operations = {node.op for node in meta_graph.graph_def.node}
    assert {"Conv2D", "MatMul", "Placeholder", "SaveV2", "RestoreV2"} <= operations
    assert breaches_of_tensorflow_1_15(meta_graph) == []


@pytest.mark.parametrize("averages_mirror", [False, True])
@pytest.mark.parametrize("network", sorted(NETWORKS))
def test_tensorflow_1_15_takes_every_network(network, averages_mirror, tmp_path):
    inference = build_inference_graph(network, 8, averages_mirror, members=2)
    with tf.Session(graph=inference.graph) as session:
        load_weights(inference, session, drawn_weights(inference, seed=0))
        save_model(str(tmp_path / "model"), inference, session)
    assert breaches_of_tensorflow_1_15(meta_graph_of(tmp_path / "model")) == []
    assert contract_breaches(str(tmp_path / "model")) == []


def test_the_saved_graph_holds_nothing_of_training(saved):
    names = [node.name.lower() for node in meta_graph_of(saved).graph_def.node]
    variables = [name.lower() for name, _ in tf.train.list_variables(str(saved / "my_model"))]
    for name in names + variables:
        assert not any(word in name for word in ("gradient", "adam", "beta1_power", "global_step", "iterator"))


def test_the_collection_is_saved_in_order(saved):
    collection = meta_graph_of(saved).collection_def["validation_nodes"]
    assert list(collection.node_list.value) == ["input_frames:0", "joint_pos:0"]


@pytest.mark.promise("An exported model is whole or not there, and replaces an older one only when it is complete")
def test_replaces_an_older_folder_whole(saved, inference_model, tmp_path):
    (saved / "notes.txt").write_text("of an older model")
    (saved / "my_model.meta").write_text("of an older model")
    save_model(str(saved), *inference_model)
    assert sorted(os.listdir(saved)) == FOUR_FILES and os.listdir(tmp_path) == ["model"]
    assert contract_breaches(str(saved)) == []


def test_saving_again_and_again_names_one_checkpoint(saved, inference_model):
    save_model(str(saved), *inference_model)
    assert (saved / "checkpoint").read_text().count("all_model_checkpoint_paths") == 1


@pytest.mark.promise("An exported model is whole or not there, and replaces an older one only when it is complete")
def test_what_fails_leaves_the_older_folder_and_nothing_else(saved, inference_model, tmp_path):
    before = contents_of(tmp_path)
    inference, _ = inference_model
    with tf.Session(graph=inference.graph) as empty_session, pytest.raises(tf.errors.FailedPreconditionError):
        save_model(str(saved), inference, empty_session)
    assert contents_of(tmp_path) == before and os.listdir(tmp_path) == ["model"]
    with tf.Session(graph=inference.graph) as empty_session, pytest.raises(tf.errors.FailedPreconditionError):
        save_model(str(tmp_path / "new"), inference, empty_session)
    assert os.listdir(tmp_path) == ["model"]


@pytest.mark.promise("An exported model is whole or not there, and replaces an older one only when it is complete")
def test_a_folder_that_cannot_be_renamed_leaves_the_older_one(saved, inference_model, tmp_path, monkeypatch):
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


@pytest.mark.promise("A full disk ends a command with one error line, and what was whole stays")
def test_a_full_disk_leaves_the_older_folder_and_nothing_else(saved, inference_model, tmp_path, limited_file_size):
    before = contents_of(tmp_path)
    for change, error in (
        (lambda: save_model(str(saved), *inference_model), UserError),
        (lambda: copy_model(str(saved), str(tmp_path / "copy")), OSError),
    ):
        with limited_file_size(1000), pytest.raises(error, match="File too large"):
            change()
        assert contents_of(tmp_path) == before and os.listdir(tmp_path) == ["model"]


def test_a_copy_is_the_four_files(saved, tmp_path):
    (saved / "notes.txt").write_text("not of the model")
    copy_model(str(saved), str(tmp_path / "copy"))
    (saved / "notes.txt").unlink()
    assert contents_of(tmp_path / "copy") == contents_of(saved)
    assert sorted(os.listdir(tmp_path)) == ["copy", "model"]


@pytest.mark.promise("An exported model is whole or not there, and replaces an older one only when it is complete")
def test_a_copy_that_fails_leaves_the_older_folder_and_nothing_else(saved, tmp_path):
    copy_model(str(saved), str(tmp_path / "copy"))
    (saved / "my_model.index").unlink()
    before = contents_of(tmp_path)
    for name in ("copy", "new"):
        with pytest.raises(FileNotFoundError):
            copy_model(str(saved), str(tmp_path / name))
        assert contents_of(tmp_path) == before and sorted(os.listdir(tmp_path)) == ["copy", "model"]


def test_loads_a_model_that_is_none_of_ours(people, tmp_path):
    folder = save_foreign_model(tmp_path / "model", foreign_network)
    graph = import_graph(str(folder / "my_model.meta"))
    with tf.Session(graph=graph) as session:
        restore_weights(str(folder / "my_model"), graph, session)
        expected = session.run("joint_pos:0", {"input_frames:0": people.frames[:3]})
    with loaded_model(str(folder)) as predictor:
        np.testing.assert_allclose(predictor.predict(people.frames[:3]), expected, atol=1e-4)


@pytest.mark.promise("A model that cannot be loaded is refused in one line")
@pytest.mark.parametrize("name, message", [("my_model.meta", "as a graph"), ("my_model.index", "weights")])
def test_a_file_that_is_damaged_is_the_user_s_to_put_right(name, message, saved):
    (saved / name).write_bytes((saved / name).read_bytes()[:100])
    with pytest.raises(UserError, match=message) as refused, loaded_model(str(saved)):
        pass
    assert str(saved) in str(refused.value) and "\n" not in str(refused.value)
