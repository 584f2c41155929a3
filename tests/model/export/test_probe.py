"""Models that can be scored although they break the contract, and unreliable predictions."""

import numpy as np
import pytest

from model.export.contract import examined_model
from pipeline.tensorflow_v1 import tf
from tests.model.export.foreign_model import dense, foreign_network, positions_of, save_foreign_model


def examined(tmp_path, **changes):
    folder = save_foreign_model(tmp_path / "model", lambda: foreign_network(**changes))
    return examined_model(str(folder))


def by_hand(folder, frames, size=None):
    """The positions by TensorFlow's own saver, in batches of `size`, padded with zeros."""
    with tf.Graph().as_default(), tf.Session() as session:
        saver = tf.train.import_meta_graph(str(folder / "my_model.meta"), clear_devices=True)
        saver.restore(session, str(folder / "my_model"))
        size = size or len(frames)
        filled = np.concatenate([frames, np.zeros((-len(frames) % size, *frames.shape[1:]), np.uint8)])
        parts = [
            session.run("joint_pos:0", {"input_frames:0": part}) for part in filled.reshape(-1, size, 10, 64, 64, 3)
        ]
        return np.concatenate([part.reshape(size, 10, 7, 2) for part in parts])[: len(frames)]


def joined_with(rows):
    """Positions that can only be computed for batches of `rows` sequences."""
    return lambda positions: tf.concat([positions, tf.zeros([rows, 10, 7, 2])], axis=1)[:, :10]


@pytest.mark.parametrize("size", [1, 24])
def test_the_only_batch_size_that_works_is_found(size, people, tmp_path):
    with examined(tmp_path, change_positions=joined_with(size)) as model:
        [breach] = model.breaches
        assert breach.startswith("joint_pos cannot be computed for") and f"it accepts only batches of {size}" in breach
        found = model.predictor.predict(people.frames[:21])
        np.testing.assert_allclose(found, by_hand(tmp_path / "model", people.frames[:21], size), atol=1e-3)


def test_the_batch_size_of_the_placeholder_is_used(people, tmp_path):
    with examined(tmp_path, input_shape=(8, 10, 64, 64, 3)) as model:
        assert model.breaches == [
            "input_frames has shape [8, 10, 64, 64, 3]; the assignment requires [None, 10, 64, 64, 3]"
        ]
        rows = np.arange(50).reshape(5, 10)
        found = model.predictor.predict_block(people.frames[:5].reshape(50, 64, 64, 3), rows)
        np.testing.assert_allclose(found, by_hand(tmp_path / "model", people.frames[:5], 8), atol=1e-3)


@pytest.mark.parametrize("shape", [[-1, 7, 2], [-1, 140]])
def test_positions_in_another_shape_are_scored(shape, people, tmp_path):
    with examined(tmp_path, change_positions=lambda positions: tf.reshape(positions, shape)) as model:
        assert len(model.breaches) == 1
        found = model.predictor.predict(people.frames[:3])
        np.testing.assert_allclose(found, by_hand(tmp_path / "model", people.frames[:3]), atol=1e-3)


def test_positions_in_another_order_are_not_scored(tmp_path):
    with examined(tmp_path, change_positions=lambda positions: tf.transpose(positions, [0, 2, 1, 3])) as model:
        assert len(model.breaches) == 1 and model.predictor is None


def test_positions_of_another_type_are_scored(people, tmp_path):
    with examined(tmp_path, change_positions=lambda positions: tf.cast(positions, tf.float64)) as model:
        found = model.predictor.predict(people.frames[:3])
        assert found.dtype == np.float32
        np.testing.assert_allclose(found, by_hand(tmp_path / "model", people.frames[:3]), atol=1e-3)


def test_frames_of_another_type_are_scored(people, tmp_path):
    with examined(tmp_path, input_dtype=tf.float32) as model:
        found = model.predictor.predict(people.frames[:3])
        np.testing.assert_allclose(found, by_hand(tmp_path / "model", people.frames[:3]), atol=1e-3)


@pytest.mark.parametrize(
    "collected", [[], ["joint_pos:0", "input_frames:0"], ["input_frames:0", "joint_pos:0", "Tanh:0"]]
)
def test_a_model_with_a_wrong_collection_is_scored(collected, people, tmp_path):
    with examined(tmp_path, collected=collected) as model:
        assert len(model.breaches) == 1
        found = model.predictor.predict(people.frames[:3])
        np.testing.assert_allclose(found, by_hand(tmp_path / "model", people.frames[:3]), atol=1e-3)


def test_the_placeholder_behind_the_collected_tensor_is_fed(people, tmp_path):
    with examined(tmp_path, collected=["truediv:0", "joint_pos:0"]) as model:
        assert model.breaches == [
            "the collection validation_nodes has truediv:0 instead of input_frames; add the tensor input_frames itself",
            "truediv is not a placeholder but the result of RealDiv; "
            "add the placeholder input_frames itself to the collection",
        ]
        found = model.predictor.predict(people.frames[:3])
        np.testing.assert_allclose(found, by_hand(tmp_path / "model", people.frames[:3]), atol=1e-3)


def test_a_graph_for_a_gpu_runs_without_one(people, tmp_path):
    def build():
        with tf.device("/gpu:0"):
            foreign_network()

    with examined_model(str(save_foreign_model_unplaced(tmp_path / "model", build))) as model:
        assert model.breaches == []
        found = model.predictor.predict(people.frames[:3])
        np.testing.assert_allclose(found, by_hand(tmp_path / "model", people.frames[:3]), atol=1e-3)


def save_foreign_model_unplaced(folder, build):
    """As save_foreign_model, with a session that runs without a GPU."""
    folder.mkdir()
    config = tf.ConfigProto(allow_soft_placement=True)
    with tf.Graph().as_default(), tf.Session(config=config) as session:
        build()
        session.run(tf.global_variables_initializer())
        tf.train.Saver().save(session, str(folder / "my_model"))
    (folder / "checkpoint").write_text('model_checkpoint_path: "my_model"\n')
    return folder


def without_shape_attribute(folder):
    """Changes the graph to what TensorFlow 1.1 wrote: the placeholder's shape is only in _output_shapes."""
    meta_graph = tf.MetaGraphDef.FromString((folder / "my_model.meta").read_bytes())
    [node] = [node for node in meta_graph.graph_def.node if node.name == "input_frames"]
    node.attr["_output_shapes"].list.shape.append(node.attr["shape"].shape)
    node.attr["shape"].shape.Clear()
    meta_graph.graph_def.versions.producer = 21
    (folder / "my_model.meta").write_bytes(meta_graph.SerializeToString())


def test_the_shape_of_an_old_placeholder_is_read(people, tmp_path):
    folder = save_foreign_model(tmp_path / "model", foreign_network)
    expected = by_hand(folder, people.frames[:3])
    without_shape_attribute(folder)
    with examined_model(str(folder)) as model:
        assert model.breaches == []
        np.testing.assert_allclose(model.predictor.predict(people.frames[:3]), expected, atol=1e-3)


def normalized_over_the_batch(values):
    mean, variance = tf.nn.moments(values, axes=[0, 1], keepdims=True)
    return (values - mean) / tf.sqrt(variance + 1)


def test_predictions_that_depend_on_the_batch_are_a_warning(tmp_path):
    with examined(tmp_path, normalize=normalized_over_the_batch) as model:
        assert model.breaches == []
        assert any(line.startswith("its predictions for a sequence depend on the other") for line in model.warnings)


def test_random_predictions_are_a_warning(tmp_path):
    def drop_out(positions):
        return tf.nn.dropout(positions, rate=0.5)

    with examined(tmp_path, change_positions=drop_out) as model:
        [warning] = model.warnings
        assert model.breaches == [] and warning.startswith("its predictions differ from run to run")


def test_a_valid_model_has_no_warnings(tmp_path):
    with examined(tmp_path) as model:
        assert model.breaches == model.warnings == []
        assert model.tensorflow_version == tf.__version__


def test_causes_are_reported(tmp_path):
    def build(units, name="positions", extra=False):
        input_frames = tf.placeholder(tf.uint8, [None, 10, 64, 64, 3], name="input_frames")
        values = tf.reshape(tf.cast(input_frames, tf.float32), [-1, 10, 64 * 64 * 3])[:, :, ::97]
        hidden = dense(values, "hidden", units)
        joint_pos = tf.identity(
            positions_of(hidden) + (tf.get_variable("scale", [1]) if extra else 0), name="joint_pos"
        )
        for tensor in (input_frames, joint_pos):
            tf.add_to_collection("validation_nodes", tensor)

    for name, options in {"small": (5,), "large": (6,), "more": (5, "positions", True)}.items():
        save_foreign_model(tmp_path / name, lambda options=options: build(*options))
    for name, cause in (
        ("large", "Assign requires shapes of both tensors to match. lhs shape= ["),
        ("more", "Key scale not found in checkpoint"),
    ):
        for ending in ("index", "data-00000-of-00001"):
            (tmp_path / name / f"my_model.{ending}").write_bytes(
                (tmp_path / "small" / f"my_model.{ending}").read_bytes()
            )
        with examined_model(str(tmp_path / name)) as model:
            [breach] = model.breaches
            assert cause in breach and "Graph execution error" not in breach


def test_a_missing_python_function_is_reported(tmp_path):
    def call_python(positions):
        return tf.py_func(lambda values: values, [positions], tf.float32)

    folder = save_foreign_model(tmp_path / "model", lambda: foreign_network(change_positions=call_python))
    # In this process the function is still there.
    meta_graph = tf.MetaGraphDef.FromString((folder / "my_model.meta").read_bytes())
    [node] = [node for node in meta_graph.graph_def.node if node.op == "PyFunc"]
    node.attr["token"].s = b"pyfunc_of_another_process"
    (folder / "my_model.meta").write_bytes(meta_graph.SerializeToString())
    with examined_model(str(folder), trust=True) as model:
        [breach] = model.breaches
        assert "it calls a Python function, which is not saved with a graph (node PyFunc)" in breach
