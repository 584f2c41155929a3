import os
import shutil

import numpy as np
import pytest

from model.export.contract import contract_breaches, examined_model
from model.predictor import Predictor
from pipeline.tensorflow_v1 import tf
from support.user_error import UserError
from tests.model.counting_session import CountingSession
from tests.model.export.foreign_model import foreign_network, save_foreign_model

FOUR_FILES = ("checkpoint", "my_model.data-00000-of-00001", "my_model.index", "my_model.meta")


def only_breach(folder):
    [breach] = contract_breaches(str(folder))
    assert "\n" not in breach
    return breach


def only_note(folder):
    with examined_model(str(folder)) as model:
        assert model.breaches == [] and model.predictor is not None
        [note] = model.notes
        assert "\n" not in note
        return note


def breach_of(tmp_path, **changes):
    return only_breach(save_foreign_model(tmp_path / "model", lambda: foreign_network(**changes)))


def test_a_model_of_another_program_meets_the_contract(fine_model):
    assert sorted(os.listdir(fine_model)) == list(FOUR_FILES)
    assert contract_breaches(str(fine_model)) == []
    assert contract_breaches(f"{fine_model}/") == []


def test_relative_paths(folder, monkeypatch):
    monkeypatch.chdir(folder.parent)
    assert contract_breaches("model") == []
    monkeypatch.chdir(folder)
    assert contract_breaches(".") == []


# The files


@pytest.mark.parametrize("name", FOUR_FILES)
def test_a_missing_file(name, folder):
    (folder / name).unlink()
    assert only_breach(folder).startswith(f"the file {name} is missing")


def test_each_missing_file_has_a_message(folder):
    for name in FOUR_FILES[:3]:
        (folder / name).unlink()
    assert [breach.split()[2] for breach in contract_breaches(str(folder))] == list(FOUR_FILES[:3])


@pytest.mark.parametrize("name", FOUR_FILES)
def test_a_folder_instead_of_a_file(name, folder):
    (folder / name).unlink()
    (folder / name).mkdir()
    assert only_breach(folder).startswith(f"the file {name} is missing")


@pytest.mark.parametrize("name", ["my_model.pb", ".DS_Store", "my_model-100.index"])
def test_an_extra_file_is_a_note(name, folder):
    (folder / name).touch()
    assert only_note(folder) == f"{name} does not belong to the model"


def test_an_extra_folder_is_a_note(folder):
    (folder / "variables").mkdir()
    assert only_note(folder) == "variables does not belong to the model"


@pytest.mark.promise("A saved model can read only the files in its own folder")
@pytest.mark.parametrize("name", FOUR_FILES)
def test_a_link_to_a_file_elsewhere_is_not_followed(name, folder, tmp_path):
    (folder / name).rename(tmp_path / "elsewhere")
    (folder / name).symlink_to(tmp_path / "elsewhere")
    assert only_breach(folder).startswith(f"{name} is a link or device;")


@pytest.mark.parametrize("name", [*FOUR_FILES, "my_model.data-00001-of-00002"])
def test_a_pipe_does_not_block(name, folder):
    (folder / name).unlink(missing_ok=True)
    os.mkfifo(folder / name)
    assert only_breach(folder).startswith(name)


def test_many_extra_files_give_few_messages(folder):
    for number in range(300):
        (folder / f"file{number}").touch()
    with examined_model(str(folder)) as model:
        assert len(model.notes) == 21 and model.notes[-1] == "280 more files do not belong to the model"


def test_a_huge_checkpoint_file_is_not_read_whole(folder):
    os.truncate(folder / "checkpoint", 5 << 30)
    assert contract_breaches(str(folder)) == []


def test_no_folder(fine_model, tmp_path):
    for path in (tmp_path / "nothing", fine_model / "checkpoint"):
        with pytest.raises(UserError, match="is not a folder"):
            contract_breaches(str(path))


def rewrite_checkpoint(folder, path):
    (folder / "checkpoint").write_text(f'model_checkpoint_path: "{path}"\nall_model_checkpoint_paths: "{path}"\n')


@pytest.mark.parametrize("path", ["/home/student/my_model", "C:\\\\work\\\\my_model", "\\\\\\\\server\\\\my_model"])
def test_an_absolute_path_in_checkpoint(path, folder):
    rewrite_checkpoint(folder, path)
    unescaped = path.replace("\\\\", "\\")
    assert only_breach(folder).startswith(f"the file checkpoint has the absolute path {unescaped};")


def test_a_model_saved_with_an_absolute_path(tmp_path):
    (tmp_path / "model").mkdir()
    with tf.Graph().as_default(), tf.Session() as session:
        foreign_network()
        session.run(tf.global_variables_initializer())
        tf.train.Saver().save(session, str(tmp_path / "model" / "my_model"))
    assert f"the absolute path {tmp_path}" in only_breach(tmp_path / "model")


def test_an_absolute_path_among_all_paths_in_checkpoint(folder):
    with open(folder / "checkpoint", "a") as file:
        file.write('all_model_checkpoint_paths: "/home/student/older"\n')
    assert "the absolute path /home/student/older" in only_breach(folder)


@pytest.mark.parametrize("path", ["../my_model", "../model/my_model", "saved/my_model"])
def test_a_path_that_leaves_the_folder(path, folder):
    rewrite_checkpoint(folder, path)
    assert only_breach(folder).startswith(f"the file checkpoint names {path}, outside the folder")


def test_a_path_that_begins_with_a_dot(folder):
    rewrite_checkpoint(folder, "./my_model")
    assert contract_breaches(str(folder)) == []


def test_another_name_in_checkpoint(folder):
    rewrite_checkpoint(folder, "other_model")
    assert only_breach(folder).startswith("the file checkpoint names other_model, not my_model")


@pytest.mark.parametrize("contents", [b"", b"\xff\xfe\x00", b"my_model"])
def test_a_checkpoint_file_without_a_path(contents, folder):
    (folder / "checkpoint").write_bytes(contents)
    assert only_breach(folder).startswith("the file checkpoint has no model_checkpoint_path")


# The contents of the files


@pytest.mark.promise("A model that cannot be loaded is rejected with a message of one line")
@pytest.mark.parametrize("damaged", [lambda contents: b"not a graph", lambda contents: contents[:1000]])
def test_a_damaged_graph(damaged, folder):
    meta = folder / "my_model.meta"
    meta.write_bytes(damaged(meta.read_bytes()))
    assert only_breach(folder).startswith(f"{meta} cannot be loaded as a graph")


def test_an_empty_graph(folder):
    (folder / "my_model.meta").write_bytes(b"")
    assert "it is empty" in only_breach(folder)


def test_weights_with_a_flipped_bit(folder):
    data = folder / "my_model.data-00000-of-00001"
    contents = bytearray(data.read_bytes())
    contents[len(contents) // 2] ^= 1
    data.write_bytes(contents)
    assert "the weights cannot be restored" in only_breach(folder)


@pytest.mark.promise("A model that cannot be loaded is rejected with a message of one line")
@pytest.mark.parametrize("name", ["my_model.data-00000-of-00001", "my_model.index"])
@pytest.mark.parametrize("length", [0, 50])
def test_truncated_weights(name, length, folder):
    (folder / name).write_bytes((folder / name).read_bytes()[:length])
    assert "the weights cannot be restored" in only_breach(folder)


def test_weights_of_another_model(folder, tmp_path):
    def build():
        weights = tf.get_variable("other", [3])
        tf.identity(weights, name="joint_pos")

    other = save_foreign_model(tmp_path / "other", build)
    for name in ("my_model.data-00000-of-00001", "my_model.index"):
        shutil.copy(other / name, folder)
    assert "the weights cannot be restored" in only_breach(folder)


def test_a_graph_without_a_saver(folder):
    with tf.Graph().as_default():
        input_frames = tf.placeholder(tf.uint8, [None, 10, 64, 64, 3], name="input_frames")
        tf.add_to_collection("validation_nodes", input_frames)
        positions = tf.cast(tf.reshape(input_frames, [-1, 10, 6144, 2])[:, :, :7], tf.float32)
        tf.add_to_collection("validation_nodes", tf.identity(positions, name="joint_pos"))
        tf.train.export_meta_graph(str(folder / "my_model.meta"))
    assert "the graph has no Saver" in only_breach(folder)


def test_every_breach_has_a_message(folder):
    rewrite_checkpoint(folder, "/home/student/my_model")
    (folder / "my_model.index").write_bytes(b"")
    breaches = contract_breaches(str(folder))
    assert len(breaches) == 2
    for breach, part in zip(breaches, ("absolute path", "weights"), strict=True):
        assert part in breach


# The collection, names, types and shapes


def test_the_collection_in_the_wrong_order(tmp_path):
    breach = breach_of(tmp_path, collected=["joint_pos:0", "input_frames:0"])
    assert breach.startswith("the collection validation_nodes has joint_pos before input_frames")


@pytest.mark.parametrize(
    "collected, held",
    [
        ([], "nothing"),
        (["joint_pos:0"], "joint_pos:0"),
        (["input_frames:0", "joint_pos:0", "Tanh:0"], "input_frames:0, joint_pos:0, Tanh:0"),
    ],
)
def test_a_collection_of_other_tensors(collected, held, tmp_path):
    breach = breach_of(tmp_path, collected=collected)
    assert breach == f"the collection validation_nodes must contain input_frames and joint_pos, but contains {held}"


def test_a_wrong_name_of_the_input(tmp_path):
    breach = breach_of(tmp_path, input_name="frames", collected=["frames:0", "joint_pos:0"])
    assert breach.startswith("the collection validation_nodes has frames:0 instead of input_frames")


def test_a_wrong_name_of_the_output(tmp_path):
    breach = breach_of(tmp_path, output_name="joints", collected=["input_frames:0", "joints:0"])
    assert breach.startswith("the collection validation_nodes has joints:0 instead of joint_pos")


def test_an_input_that_is_not_a_placeholder(tmp_path):
    def make_input(dtype, shape, name):
        return tf.identity(tf.placeholder_with_default(np.zeros((1, *shape[1:]), np.uint8), shape), name=name)

    assert breach_of(tmp_path, make_input=make_input).startswith(
        "input_frames is not a placeholder but the result of Identity"
    )


def with_default(dtype, shape, name):
    return tf.placeholder_with_default(np.zeros((1, *shape[1:]), np.uint8), shape, name=name)


def with_default_from_a_pipeline(dtype, shape, name):
    data = tf.data.Dataset.from_tensors(np.zeros(shape[1:], np.uint8)).repeat().batch(4)
    return tf.placeholder_with_default(tf.data.make_one_shot_iterator(data).get_next(), shape, name=name)


@pytest.mark.parametrize("make_input", [with_default, with_default_from_a_pipeline])
def test_an_input_with_a_default_is_scored(make_input, fine_model, people, tmp_path):
    folder = save_foreign_model(tmp_path / "model", lambda: foreign_network(make_input=make_input))
    with examined_model(str(folder)) as model, examined_model(str(fine_model)) as fine:
        assert model.breaches == [
            "input_frames is made by tf.placeholder_with_default; the assignment requires tf.placeholder"
        ]
        np.testing.assert_array_equal(
            model.predictor.predict(people.frames[:2]), fine.predictor.predict(people.frames[:2])
        )


def test_the_input_with_a_default_is_found_among_others(tmp_path):
    def make_input(dtype, shape, name):
        values = tf.cast(with_default(dtype, shape, "frames"), tf.float32)
        return tf.multiply(values, tf.placeholder_with_default(1.0, []), name=name)

    folder = save_foreign_model(tmp_path / "model", lambda: foreign_network(make_input=make_input))
    with examined_model(str(folder)) as model:
        assert model.breaches == [
            "input_frames is not a placeholder but the result of Mul; "
            "add the placeholder frames itself to the collection"
        ]
        assert model.predictor is not None


def test_a_graph_saved_as_text_is_loaded(folder):
    meta_graph = tf.MetaGraphDef.FromString((folder / "my_model.meta").read_bytes())
    (folder / "my_model.meta").write_text(str(meta_graph))
    assert contract_breaches(str(folder)) == []


@pytest.mark.parametrize("dtype", [tf.float32, tf.int8, tf.int32])
def test_a_wrong_type_of_the_input(dtype, tmp_path):
    assert breach_of(tmp_path, input_dtype=dtype).startswith(f"input_frames has dtype {dtype.name};")


@pytest.mark.parametrize(
    "shape", [(1, 10, 64, 64, 3), (None, None, 64, 64, 3), (None, 10, 3, 64, 64), (None, 64, 64, 3), None]
)
def test_a_wrong_shape_of_the_input(shape, tmp_path):
    breach = breach_of(tmp_path, input_shape=shape)
    described = None if shape is None else list(shape)
    assert breach == f"input_frames has shape {described}; the assignment requires [None, 10, 64, 64, 3]"


@pytest.mark.parametrize("dtype", [tf.float64, tf.float16, tf.int32])
def test_a_wrong_type_of_the_output(dtype, tmp_path):
    breach = breach_of(tmp_path, change_positions=lambda positions: tf.cast(positions, dtype))
    assert breach == f"joint_pos has dtype {dtype.name}; the assignment requires float32"


@pytest.mark.parametrize(
    "shape, found", [([-1, 7, 2], (10, 7, 2)), ([-1, 10, 14], (1, 10, 14)), ([-1, 7, 10, 2], (1, 7, 10, 2))]
)
def test_a_wrong_shape_of_the_output(shape, found, tmp_path):
    breach = breach_of(tmp_path, change_positions=lambda positions: tf.reshape(positions, shape))
    assert breach == f"joint_pos has shape {found} for 1 sequences; the assignment requires (1, 10, 7, 2)"


def test_an_output_that_is_right_for_one_sequence_only(tmp_path):
    breach = breach_of(tmp_path, change_positions=lambda positions: positions[:1])
    assert breach.startswith(
        "joint_pos has shape (1, 10, 7, 2) for 3 sequences; the assignment requires (3, 10, 7, 2);"
    )


def test_an_output_that_works_for_one_sequence_only(tmp_path):
    def join_one(positions):
        return tf.concat([positions, tf.zeros([1, 10, 7, 2])], axis=1)[:, :10]

    breach = breach_of(tmp_path, change_positions=join_one)
    assert breach.startswith("joint_pos cannot be computed for 3 sequences")


# Other inputs


def test_a_placeholder_for_keep_prob(tmp_path):
    def drop_out(positions):
        return tf.nn.dropout(positions, rate=1 - tf.placeholder(tf.float32, name="keep_prob"))

    breach = breach_of(tmp_path, change_positions=drop_out)
    assert breach.startswith("joint_pos needs another input, keep_prob;")


def test_a_placeholder_as_a_control_input(tmp_path):
    def wait_for_another(positions):
        with tf.control_dependencies([tf.placeholder(tf.bool, name="is_training")]):
            return tf.identity(positions)

    assert "another input, is_training" in breach_of(tmp_path, change_positions=wait_for_another)


@pytest.mark.parametrize("make_iterator", [tf.data.make_initializable_iterator, tf.data.make_one_shot_iterator])
def test_an_iterator(make_iterator, tmp_path):
    def add_next(positions):
        return positions + make_iterator(tf.data.Dataset.from_tensors(1.0).repeat()).get_next()

    assert "another input" in breach_of(tmp_path, change_positions=add_next)


def test_inputs_that_positions_do_not_need(tmp_path):
    def build():
        foreign_network()
        tf.placeholder(tf.float32, [None, 10, 7, 2], name="labels")

    assert contract_breaches(str(save_foreign_model(tmp_path / "model", build))) == []


def test_a_placeholder_with_a_default(tmp_path):
    def scale(positions):
        return positions * tf.placeholder_with_default(1.0, [], name="keep_prob")

    folder = save_foreign_model(tmp_path / "model", lambda: foreign_network(change_positions=scale))
    assert contract_breaches(str(folder)) == []


# Frames of one colour


def divided_by_deviation(values):
    mean, variance = tf.nn.moments(values, axes=[2], keepdims=True)
    return (values - mean) / tf.sqrt(variance)


@pytest.mark.parametrize(
    "changes",
    [{"normalize": divided_by_deviation}, {"change_positions": lambda positions: positions * float("inf")}],
)
def test_nan_or_infinity_for_a_frame_of_one_colour_is_a_warning(changes, tmp_path):
    folder = save_foreign_model(tmp_path / "model", lambda: foreign_network(**changes))
    with examined_model(str(folder)) as examined:
        assert examined.breaches == [] and examined.predictor is not None
        [warning] = [line for line in examined.warnings if "one colour" in line]
        assert warning.startswith("joint_pos is NaN or infinite for a frame of one colour")


@pytest.mark.slow
def test_frames_are_shared_in_a_model_in_a_subfolder(trained_run, people, tmp_path, monkeypatch):
    shutil.copytree(trained_run.folder / "model", tmp_path / "handed_in" / "my_model")
    frames = np.concatenate(people.frames[[0, 30]])
    rows = np.array([[*range(10)], [*range(5, 15)], [*range(10, 20)]])
    sessions = []

    def counting(session, *arguments):
        sessions.append(CountingSession(session))
        return Predictor(sessions[0], *arguments)

    monkeypatch.setattr("model.export.contract.Predictor", counting)
    with examined_model(str(tmp_path / "handed_in")) as examined:
        assert examined.notes == ["the model is in the subfolder my_model"]
        expected = examined.predictor.predict_block(frames, rows)
        sessions[0].frames = 0
        np.testing.assert_allclose(examined.predictor.predict_block(frames, rows), expected, rtol=0, atol=1e-3)
    assert sessions[0].frames == 20
