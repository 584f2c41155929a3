import numpy as np
import pytest

from model.export.graph import build_inference_graph, load_weights
from pipeline.tensorflow_v1 import tf
from tests.conftest import drawn_weights

HEAD_OPS = {"Identity", "Reshape", "MatMul", "BiasAdd", "Add", "AddV2", "AddN", "RealDiv"}


@pytest.fixture
def predict(inference_model):
    inference, session = inference_model
    return lambda frames: session.run(inference.joint_pos, {inference.input_frames: frames})


def sequences_of(people, number):
    return people.frames[:: len(people.frames) // number][:number]


def test_the_input_is_that_of_the_assignment(inference_model):
    graph = inference_model[0].graph
    tensor = graph.get_tensor_by_name("input_frames:0")
    assert tensor is inference_model[0].input_frames
    assert tensor.op.type == "Placeholder" and tensor.dtype == tf.uint8
    assert tensor.shape.as_list() == [None, 10, 64, 64, 3]
    assert [op.name for op in graph.get_operations() if op.type == "Placeholder"] == ["input_frames"]


def test_the_output_is_that_of_the_assignment(inference_model):
    graph = inference_model[0].graph
    tensor = graph.get_tensor_by_name("joint_pos:0")
    assert tensor is inference_model[0].joint_pos
    assert tensor.op.type == "Identity" and tensor.dtype == tf.float32
    assert tensor.shape.as_list()[1:] == [10, 7, 2]


def test_the_collection_has_the_input_then_the_output(inference_model):
    nodes = inference_model[0].graph.get_collection("validation_nodes")
    assert [node.name for node in nodes] == ["input_frames:0", "joint_pos:0"]


@pytest.mark.parametrize("number", [1, 2, 5])
def test_positions_for_any_number_of_sequences(number, predict, people):
    positions = predict(sequences_of(people, number))
    assert (positions.dtype, positions.shape) == (np.float32, (number, 10, 7, 2))


def test_sequences_do_not_affect_each_other(predict, people):
    frames = sequences_of(people, 6)
    together = predict(frames)
    assert np.ptp(together, axis=0).max() > 0.5
    for sequence, positions in zip(frames, together, strict=True):
        np.testing.assert_allclose(predict(sequence[np.newaxis])[0], positions, atol=1e-4)


def test_a_frame_affects_its_own_positions_and_later_ones(predict, people):
    frames = sequences_of(people, 2).copy()
    before = predict(frames[:1])[0]
    for changed in (0, 4, 9):
        sequence = frames[0].copy()
        sequence[changed] = frames[1, changed]
        moved = np.abs(predict(sequence[np.newaxis])[0] - before).max(axis=(1, 2))
        assert (moved[:changed] < 1e-4).all()
        assert moved[changed] > 1e-3


def test_all_frames_share_the_cnn(inference_model, people):
    inference, session = inference_model
    frames = sequences_of(people, 2)[:, [3] * 10]
    features = session.run(inference.shared.features, {inference.input_frames: frames})
    assert len(features) == 20 and np.ptp(features, axis=1).min() > 0
    np.testing.assert_allclose(features, np.repeat(features[[0, 10]], 10, axis=0), atol=1e-4)
    assert np.abs(features[0] - features[10]).max() > 1e-2


def test_the_head_is_one_matmul_on_all_hidden_states(inference_model):
    waiting, head = [inference_model[0].joint_pos.op], []
    while waiting:
        op = waiting.pop()
        if op.type in HEAD_OPS and not _is_weight(op):
            head.append(op)
            waiting += [tensor.op for tensor in op.inputs[:1]]
    assert [op.type for op in head].count("MatMul") == 1
    [matmul] = [op for op in head if op.type == "MatMul"]
    assert matmul.inputs[1].shape.as_list() == [8, 14]
    # The input of the first of these ops is the LSTM's output over all frames.
    assert "rnn" in head[-1].inputs[0].op.name


def _is_weight(op):
    return bool(op.inputs) and op.inputs[0].op.type in ("VariableV2", "VarHandleOp")


def test_the_lstm_is_a_loop_and_not_unrolled(inference_model):
    operations = inference_model[0].graph.get_operations()
    assert [op.type for op in operations].count("LoopCond") == 1
    in_the_loop = [op for op in operations if op.type == "MatMul" and "while" in op.name]
    outside = [op for op in operations if op.type == "MatMul" and "while" not in op.name]
    assert len(in_the_loop) == 1 and len(outside) <= 4


@pytest.mark.parametrize("num_units", [1, 24])
def test_the_lstm_has_num_units_units(num_units):
    variables = build_inference_graph("strided", num_units).variables
    kernels = [variable for name, variable in variables.items() if "lstm_cell" in name and variable.shape.rank == 2]
    assert [kernel.shape[1].value for kernel in kernels] == [4 * num_units]


def test_has_no_ops_of_training(inference_model):
    inference, _ = inference_model
    names = [op.name.lower() for op in inference.graph.get_operations()]
    assert not [name for name in names if "gradient" in name or "adam" in name or "global_step" in name]
    assert inference.graph.finalized


def test_load_weights_assigns_the_variables(inference_model):
    inference, _ = inference_model
    with tf.Session(graph=inference.graph) as session:
        for seed in (1, 2):
            weights = drawn_weights(inference, seed)
            load_weights(inference, session, weights)
            for name, value in session.run(inference.variables).items():
                np.testing.assert_array_equal(value, weights[name])
        part = dict(list(drawn_weights(inference, 3).items())[:1])
        load_weights(inference, session, part)
        values = session.run(inference.variables)
        for name, value in {**weights, **part}.items():
            np.testing.assert_array_equal(values[name], value)


def test_a_weight_of_another_shape_is_an_error(inference_model):
    inference, _ = inference_model
    with tf.Session(graph=inference.graph) as session, pytest.raises(ValueError):
        load_weights(inference, session, {next(iter(inference.variables)): np.zeros((3, 3), np.float32)})
