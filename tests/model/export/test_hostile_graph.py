"""Graphs that no program writes: each gives messages of one line, none a traceback."""

import pytest

from model.export.contract import examined_model
from pipeline.tensorflow_v1 import tf
from tests.model.export.foreign_model import foreign_network, save_foreign_model


def placeholder(nodes):
    return nodes["input_frames"].attr["dtype"]


def constant(nodes):
    return next(node for node in nodes.values() if node.op == "Const").attr["value"].tensor


def of_dimensions(number, size):
    def change(nodes):
        for _ in range(number):
            constant(nodes).tensor_shape.dim.add().size = size

    return change


CHANGES = {
    "no type": lambda nodes: nodes["input_frames"].attr.pop("dtype"),
    "an unknown type": lambda nodes: setattr(placeholder(nodes), "type", 9999),
    "a list as a type": lambda nodes: placeholder(nodes).list.type.append(1),
    "400 dimensions of 2^62": of_dimensions(400, 2**62),
    "300,000 dimensions": of_dimensions(300_000, 2**62),
    "250 dimensions of 2^62": of_dimensions(250, 2**62),
    "a negative dimension": of_dimensions(1, -5),
    "its own output as input": lambda nodes: nodes["joint_pos"].input.append("joint_pos"),
    "a missing input": lambda nodes: nodes["joint_pos"].input.append("nothing:77"),
    "a port that is not a number": lambda nodes: nodes["joint_pos"].input.append("joint_pos:x:y"),
    "an attribute of the wrong kind": lambda nodes: setattr(nodes["joint_pos"].attr["T"], "i", 3),
    "an unknown device": lambda nodes: setattr(nodes["joint_pos"], "device", "/what:is:this"),
}


@pytest.mark.promise("A model that cannot be loaded is rejected with a message of one line")
@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_an_impossible_graph_gives_messages_of_one_line(change, tmp_path):
    folder = save_foreign_model(tmp_path / "model", foreign_network)
    meta_graph = tf.MetaGraphDef.FromString((folder / "my_model.meta").read_bytes())
    change({node.name: node for node in meta_graph.graph_def.node})
    (folder / "my_model.meta").write_bytes(meta_graph.SerializeToString())
    with examined_model(str(folder)) as model:
        # Devices are cleared, so an unknown one does not matter.
        assert len(model.breaches) >= 1 or model.predictor is not None
        assert all("\n" not in line and len(line) < 2000 for line in model.breaches)


@pytest.mark.promise("A model that cannot be loaded is rejected with a message of one line")
def test_a_message_that_is_not_utf_8_is_reported(tmp_path):
    def check(positions):
        return tf.debugging.check_numerics(positions / 0, "odd")

    folder = save_foreign_model(tmp_path / "model", lambda: foreign_network(change_positions=check))
    meta = folder / "my_model.meta"
    meta.write_bytes(meta.read_bytes().replace(b"odd", b"\xff\xfe\xfd"))
    with examined_model(str(folder)) as model:
        assert model.predictor is None and len(model.breaches) == 1


@pytest.mark.promise("A model that cannot be loaded is rejected with a message of one line")
def test_missing_weights_beside_an_invalid_object_graph_are_reported(tmp_path):
    (tmp_path / "garbage").mkdir()
    with tf.Graph().as_default(), tf.Session() as session:
        garbage = tf.get_variable("garbage", initializer=b"\xff\xffgarbage", dtype=tf.string)
        session.run(tf.global_variables_initializer())
        saver = tf.train.Saver({"_CHECKPOINTABLE_OBJECT_GRAPH": garbage})
        saver.save(session, str(tmp_path / "garbage" / "my_model"))
    folder = save_foreign_model(tmp_path / "model", foreign_network)
    for ending in ("index", "data-00000-of-00001"):
        (folder / f"my_model.{ending}").write_bytes((tmp_path / "garbage" / f"my_model.{ending}").read_bytes())
    with examined_model(str(folder)) as model:
        [breach] = model.breaches
        assert "not found in checkpoint" in breach
