import os

import numpy as np
import pytest

from model.export.contract import contract_breaches
from model.export.pruning import read_meta_graph
from model.export.saved_model import loaded_model
from pipeline.tensorflow_v1 import tf
from support.user_error import UserError
from tests.model.export.foreign_model import foreign_network, positions_of, save_foreign_model


@pytest.fixture
def save(tmp_path):
    """A function that saves what another one builds; returns the folder."""
    return lambda build: save_foreign_model(tmp_path / "model", build)


@pytest.fixture
def mark(tmp_path):
    """The path of a file that does not exist unless a model creates it."""
    return tmp_path / "mark"


def breach_of(folder, trust=False):
    """The only breach of the contract, or None."""
    breaches = contract_breaches(str(folder), trust=trust)
    assert len(breaches) < 2
    return breaches[0] if breaches else None


def change(folder, change_meta_graph):
    """Rewrites the saved graph."""
    meta_graph = tf.MetaGraphDef()
    meta_graph.ParseFromString((folder / "my_model.meta").read_bytes())
    change_meta_graph(meta_graph)
    (folder / "my_model.meta").write_bytes(meta_graph.SerializeToString())
    return folder


def node_of(meta_graph, name):
    return next(node for node in meta_graph.graph_def.node if node.name == name)


def after(op):
    """A function that makes positions depend on the op that `op` creates."""

    def change_positions(positions):
        with tf.control_dependencies([op()]):
            return tf.identity(positions)

    return change_positions


# Ordinary models


def trained_network():
    """The assignment's network with what a student's graph has besides: training, summaries, pipelines."""
    frames = tf.placeholder(tf.uint8, [None, 10, 64, 64, 3], name="input_frames")
    images = tf.reshape(tf.cast(frames, tf.float32), [-1, 64, 64, 3])
    normalized = tf.map_fn(tf.image.per_image_standardization, images)
    maps = tf.nn.max_pool2d(
        tf.nn.relu(tf.nn.conv2d(normalized, tf.get_variable("kernel", [3, 3, 3, 4]), 2, "SAME")), 4, 4, "SAME"
    )
    scale, offset = tf.get_variable("scale", [4]), tf.get_variable("offset", [4])
    maps, _, _ = tf.nn.fused_batch_norm(maps, scale, offset)
    rows = tf.nn.dropout(tf.reshape(maps, [-1, 10, 8 * 8 * 4]), rate=0.1)
    states, _ = tf.nn.dynamic_rnn(tf.nn.rnn_cell.LSTMCell(6), rows, dtype=tf.float32)
    positions = positions_of(states)
    positions = tf.cond(tf.shape(frames)[0] > 1, lambda: positions + 1, lambda: positions - 1)
    tf.identity(tf.reshape(positions, [-1, 10, 7, 2]), name="joint_pos")
    tf.add_to_collection("validation_nodes", frames)
    tf.add_to_collection("validation_nodes", tf.get_default_graph().get_tensor_by_name("joint_pos:0"))
    labels = tf.data.Dataset.from_tensors(np.zeros([1, 10, 7, 2], np.float32)).map(
        lambda rows: tf.py_func(lambda values: values, [rows], tf.float32)
    )
    loss = tf.reduce_mean((positions - tf.data.make_one_shot_iterator(labels).get_next()) ** 2)
    tf.summary.scalar("loss", tf.Print(loss, [loss], "loss"))
    tf.train.AdamOptimizer().minimize(loss)
    tf.io.write_file("notes.txt", tf.as_string(loss), name="notes")


def with_function(positions):
    @tf.function
    def scaled(values):
        step = tf.constant(0)
        return tf.while_loop(
            lambda step, values: step < 3, lambda step, values: (step + 1, values * 1.5), [step, values]
        )[1]

    return scaled(positions)


def test_a_training_graph_needs_no_trust(save):
    folder = save(trained_network)
    assert breach_of(folder) is None
    with loaded_model(str(folder)) as predictor:
        assert predictor.predict(np.zeros([2, 10, 64, 64, 3], np.uint8)).shape == (2, 10, 7, 2)


def test_functions_and_their_loops_need_no_trust(save):
    folder = save(lambda: foreign_network(change_positions=with_function))
    meta_graph = read_meta_graph(str(folder / "my_model.meta"))
    assert meta_graph.graph_def.library.function
    assert breach_of(folder) is None


@pytest.mark.promise("A graph with ops outside the allow-list runs only with --trust")
def test_tensorflow_gets_only_what_positions_need(save):
    folder = change(save(foreign_network), lambda meta_graph: meta_graph.graph_def.node.add(name="odd", op="NoSuchOp"))
    with pytest.raises((ValueError, tf.errors.NotFoundError)), tf.Graph().as_default():
        tf.train.import_meta_graph(str(folder / "my_model.meta"))
    assert breach_of(folder) is None


# Rejected ops


REJECTED = {
    "WriteFile": lambda path: tf.io.write_file(path, "written", name="odd"),
    "ReadFile": lambda path: tf.io.read_file(path, name="odd"),
    "MatchingFiles": lambda path: tf.io.matching_files(path, name="odd"),
    "PyFunc": lambda path: tf.py_func(lambda: np.float32(0), [], tf.float32, name="odd"),
    "PrintV2": lambda path: tf.raw_ops.PrintV2(input="written", output_stream=f"file://{path}", name="odd"),
    "Print": lambda path: tf.raw_ops.Print(input=1.0, data=[2.0], message="The model", name="odd"),
    "ImmutableConst": lambda path: tf.raw_ops.ImmutableConst(
        dtype=tf.float32, shape=[1], memory_region_name=path, name="odd"
    ),
    "RestoreV2": lambda path: tf.raw_ops.RestoreV2(
        prefix=path, tensor_names=["a"], shape_and_slices=[""], dtypes=[tf.float32], name="odd"
    )[0],
    "SaveV2": lambda path: tf.raw_ops.SaveV2(
        prefix=path, tensor_names=["a"], shape_and_slices=[""], tensors=[1.0], name="odd"
    ),
    "Abort": lambda path: tf.raw_ops.Abort(name="odd"),
    "InitializeTableFromTextFileV2": lambda path: tf.raw_ops.InitializeTableFromTextFileV2(
        table_handle=tf.raw_ops.HashTableV2(key_dtype=tf.string, value_dtype=tf.int64),
        filename=path,
        key_index=-2,
        value_index=-1,
        name="odd",
    ),
    "DebugIdentityV2": lambda path: tf.raw_ops.DebugIdentityV2(input=1.0, debug_urls=[f"file://{path}"], name="odd"),
}


@pytest.mark.promise("A graph with ops outside the allow-list runs only with --trust")
@pytest.mark.parametrize("op", list(REJECTED))
def test_an_op_that_no_network_needs_is_rejected_by_name(op, save, mark):
    folder = save(lambda: foreign_network(change_positions=after(lambda: REJECTED[op](str(mark)))))
    breach = breach_of(folder)
    assert breach.startswith(f"{folder / 'my_model.meta'} was not run: it contains ops") and f"{op} (node odd" in breach
    assert "--trust" in breach
    assert not mark.exists()
    with pytest.raises(UserError, match=f"{op} .node odd"), loaded_model(str(folder)):
        pass


def test_a_trusted_model_may_do_anything(save, mark):
    folder = save(lambda: foreign_network(change_positions=after(lambda: REJECTED["WriteFile"](str(mark)))))
    assert breach_of(folder, trust=True) is None
    assert mark.read_text() == "written"
    mark.unlink()
    with loaded_model(str(folder), trust=True) as predictor:
        predictor.predict(np.zeros([1, 10, 64, 64, 3], np.uint8))
    assert mark.exists()


@pytest.mark.promise("A graph with ops outside the allow-list runs only with --trust")
def test_a_graph_that_reads_files_on_import_is_rejected(save, mark):
    mark.write_bytes(np.array([7, 10, 7, 2], np.int32).tobytes())

    def reshaped(positions):
        return tf.reshape(positions, tf.reshape(tf.decode_raw(tf.io.read_file(str(mark), name="odd"), tf.int32), [4]))

    folder = save(lambda: foreign_network(change_positions=reshaped))
    with tf.Graph().as_default():
        tf.train.import_meta_graph(str(folder / "my_model.meta"))
        assert tf.get_collection("validation_nodes")[1].shape == (7, 10, 7, 2)  # TensorFlow has read the file
    assert "ReadFile (node odd)" in breach_of(folder)


@pytest.mark.promise("A graph with ops outside the allow-list runs only with --trust")
def test_an_unknown_op_is_rejected_by_name(save):
    def add(meta_graph):
        meta_graph.graph_def.node.add(name="odd", op="NoSuchOp")
        node_of(meta_graph, "joint_pos").input.append("^odd")

    assert "it contains ops that no network needs, NoSuchOp (node odd); if" in breach_of(
        change(save(foreign_network), add)
    )


@pytest.mark.promise("A graph with ops outside the allow-list runs only with --trust")
def test_ops_for_restoring_are_checked_too(save, mark):
    def add(meta_graph):
        written = meta_graph.graph_def.node.add(name="odd", op="WriteFile", input=["save/Const", "save/Const"])
        node_of(meta_graph, "save/restore_all").input.append(f"^{written.name}")

    assert "WriteFile (node odd)" in breach_of(change(save(foreign_network), add))
    assert not mark.exists()


@pytest.mark.promise("A graph with ops outside the allow-list runs only with --trust")
def test_ops_in_functions_are_checked(save, mark):
    @tf.function
    def inner(values):
        with tf.control_dependencies([tf.io.write_file(str(mark), "written")]):
            return tf.identity(values)

    @tf.function
    def outer(values):
        return tf.while_loop(lambda values: True, lambda values: [inner(values)], [values], maximum_iterations=1)

    folder = save(lambda: foreign_network(change_positions=outer))
    assert "ops that no network needs, WriteFile" in breach_of(folder)
    assert not mark.exists()
    assert breach_of(folder, trust=True) is None and mark.exists()


@pytest.mark.promise("A graph with ops outside the allow-list runs only with --trust")
def test_a_function_cannot_take_the_name_of_an_op(save, mark):
    folder = save(lambda: foreign_network(change_positions=after(lambda: REJECTED["WriteFile"](str(mark)))))
    change(
        folder, lambda meta_graph: setattr(meta_graph.graph_def.library.function.add().signature, "name", "WriteFile")
    )
    assert "WriteFile" in breach_of(folder)
    assert not mark.exists()


# Where weights are restored from


@pytest.mark.promise("A saved model can read only the files in its own folder")
def test_weights_are_restored_only_from_the_folder(save, tmp_path):
    def read_elsewhere(meta_graph):
        elsewhere = meta_graph.graph_def.node.add(name="elsewhere", op="Const")
        elsewhere.attr["dtype"].type = tf.string.as_datatype_enum
        elsewhere.attr["value"].tensor.CopyFrom(tf.make_tensor_proto(str(tmp_path / "other" / "my_model")))
        node_of(meta_graph, "save/RestoreV2").input[0] = "elsewhere"

    folder = save(foreign_network)
    original = (folder / "my_model.meta").read_bytes()
    assert "RestoreV2 (node save/RestoreV2)" in breach_of(change(folder, read_elsewhere))
    (folder / "my_model.meta").write_bytes(original)
    change(folder, lambda meta_graph: setattr(meta_graph.saver_def, "filename_tensor_name", "save/filename/input:0"))
    assert "RestoreV2 (node save/RestoreV2)" in breach_of(folder)


@pytest.mark.promise("A saved model can read only the files in its own folder")
def test_positions_cannot_be_read_from_a_checkpoint(save):
    def restored_again(meta_graph):
        node_of(meta_graph, "joint_pos").input.append("^save/RestoreV2")

    assert "RestoreV2 (node save/RestoreV2)" in breach_of(change(save(foreign_network), restored_again))


@pytest.mark.promise("A model that cannot be loaded is rejected with a message of one line")
@pytest.mark.parametrize("field", ["restore_op_name", "filename_tensor_name"])
@pytest.mark.parametrize("name", ["", "nothing", "nothing:0", "a b"])
def test_a_saver_with_invalid_names_is_an_error(field, name, save):
    breach = breach_of(change(save(foreign_network), lambda meta_graph: setattr(meta_graph.saver_def, field, name)))
    assert any(part in breach for part in ("needs, RestoreV2", "weights cannot be restored", "loaded as a graph"))


# Memory


@pytest.mark.promise("No memory is allocated for data that a file claims but does not contain")
def test_constants_with_huge_shapes_are_rejected(save):
    folder = save(lambda: foreign_network(change_positions=lambda positions: positions + tf.constant(1.0, name="c")))

    def enlarge(meta_graph):
        shape = node_of(meta_graph, "c").attr["value"].tensor.tensor_shape
        shape.dim.extend(tf.TensorShape([2**20, 2**20]).as_proto().dim)

    breach = breach_of(change(folder, enlarge))
    assert "its constants take more than 1024 MiB" in breach and "--trust" in breach


def test_constants_that_are_objects_are_rejected(save):
    def make_variant(meta_graph):
        tensor = node_of(meta_graph, "c").attr["value"].tensor
        tensor.Clear()
        tensor.dtype = tf.variant.as_datatype_enum
        tensor.variant_val.add(type_name="tensorflow::TensorList")

    folder = save(lambda: foreign_network(change_positions=lambda positions: positions + tf.constant(1.0, name="c")))
    assert "needs, Const (node c)" in breach_of(change(folder, make_variant))


@pytest.mark.promise("No memory is allocated for data that a file claims but does not contain")
def test_a_graph_of_gigabytes_is_not_read(save):
    folder = save(foreign_network)
    os.truncate(folder / "my_model.meta", 3 << 30)
    assert "has 3221 MB, but a graph may have at most 268 MB" in breach_of(folder)


@pytest.mark.promise("A model that cannot be loaded is rejected with a message of one line")
@pytest.mark.parametrize("contents", [b"\n" * 1000, b"\x12\xff\xff\xff\xff\x0f", b"\x0b" * 10**5, bytes(range(8, 256))])
def test_a_graph_of_arbitrary_bytes_is_an_error(contents, save):
    folder = save(foreign_network)
    (folder / "my_model.meta").write_bytes(contents)
    assert "my_model.meta cannot be loaded as a graph" in breach_of(folder)


@pytest.mark.promise("A model that cannot be loaded is rejected with a message of one line")
def test_two_nodes_with_the_same_name_are_an_error(save):
    folder = change(
        save(foreign_network), lambda meta_graph: meta_graph.graph_def.node.add(name="joint_pos", op="NoOp")
    )
    assert "two of its nodes have the same name" in breach_of(folder)
