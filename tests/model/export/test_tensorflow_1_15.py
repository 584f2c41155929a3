import pytest

from pipeline.tensorflow_v1 import tf
from tests.model.export.tensorflow_1_15_registry import breaches_of_tensorflow_1_15, registry


def exported(build):
    """The MetaGraphDef, as a Saver writes it, of the graph that the function builds."""
    with tf.Graph().as_default() as graph:
        build()
        return tf.train.export_meta_graph(graph_def=graph.as_graph_def(add_shapes=True))


def small_network():
    frames = tf.placeholder(tf.uint8, [None, 8, 8, 3], name="frames")
    kernel = tf.get_variable("kernel", [3, 3, 3, 4], use_resource=False)
    maps = tf.nn.relu(tf.nn.conv2d(tf.cast(frames, tf.float32), kernel, strides=1, padding="SAME"))
    pooled = tf.nn.max_pool2d(maps, 2, 2, "VALID")
    flat = tf.reshape(tf.concat([pooled, pooled], axis=3), [-1, 4 * 4 * 8])
    dense = tf.get_variable("dense", [4 * 4 * 8, 5], use_resource=False)
    tf.identity(tf.matmul(flat, dense), name="positions")
    tf.train.Saver()


@pytest.fixture
def meta_graph():
    return exported(small_network)


def node_of(meta_graph, op):
    return next(node for node in meta_graph.graph_def.node if node.op == op)


def only_breach(meta_graph):
    (breach,) = breaches_of_tensorflow_1_15(meta_graph)
    return breach


def test_the_table_is_of_1_15_5():
    table = registry()
    assert table["tensorflow_version"] == "1.15.5"
    assert len(table["ops"]) > 1300
    assert "grad_a" not in table["ops"]["MatMul"]["attributes"]


def test_a_network_with_variables_and_a_saver_passes(meta_graph):
    assert {"Conv2D", "MatMul", "ConcatV2", "SaveV2", "VariableV2"} <= {node.op for node in meta_graph.graph_def.node}
    assert breaches_of_tensorflow_1_15(meta_graph) == []


def test_an_op_newer_than_1_15_is_reported():
    meta_graph = exported(lambda: tf.raw_ops.DenseBincount(input=[1], size=2, weights=[1.0], name="counts"))
    assert only_breach(meta_graph) == "node counts (DenseBincount): this op is not in TensorFlow 1.15"


def test_a_newer_attribute_is_reported_unless_at_its_default(meta_graph):
    matmul = node_of(meta_graph, "MatMul")
    expected = "node MatMul (MatMul): attribute grad_a: not in TensorFlow 1.15, and not at its default"
    matmul.attr["grad_a"].b = False
    assert breaches_of_tensorflow_1_15(meta_graph) == []
    matmul.attr["grad_a"].b = True
    assert only_breach(meta_graph) == expected
    matmul.attr["grad_a"].b = False
    meta_graph.meta_info_def.ClearField("stripped_op_list")
    assert expected in breaches_of_tensorflow_1_15(meta_graph)


def test_gradients_of_this_tensorflow_are_reported():
    def trained():
        small_network()
        positions = tf.get_default_graph().get_tensor_by_name("positions:0")
        tf.gradients(positions, tf.global_variables())

    assert any("grad_" in breach for breach in breaches_of_tensorflow_1_15(exported(trained)))


@pytest.mark.parametrize(
    "op, attribute, field, value, message",
    [
        ("Conv2D", "padding", "s", b"SIDEWAYS", "SIDEWAYS is not allowed"),
        ("Conv2D", "data_format", "i", 3, "is not of type string"),
        ("MatMul", "T", "type", 10, "DT_BOOL is not allowed"),
        ("Placeholder", "dtype", "type", 24, "data type 24 is not in TensorFlow 1.15"),
    ],
)
def test_a_forbidden_value_is_reported(meta_graph, op, attribute, field, value, message):
    node = node_of(meta_graph, op)
    node.attr[attribute].Clear()
    setattr(node.attr[attribute], field, value)
    assert only_breach(meta_graph) == f"node {node.name} ({op}): attribute {attribute}: {message}"


def test_a_list_of_the_wrong_type_or_too_short_is_reported(meta_graph):
    strides = node_of(meta_graph, "Conv2D").attr["strides"]
    strides.list.f[:] = [1.0]
    assert only_breach(meta_graph).endswith("attribute strides: is not of type list(int)")
    strides.i = 1
    assert only_breach(meta_graph).endswith("attribute strides: is not of type list(int)")
    strides.list.i[:] = [1, 1, 1, 1]
    ksize = node_of(meta_graph, "MaxPool").attr["ksize"]
    ksize.list.i[:] = [2]
    assert only_breach(meta_graph).endswith("attribute ksize: 1 is less than 4")


def test_a_number_below_its_minimum_is_reported(meta_graph):
    concatenation = node_of(meta_graph, "ConcatV2")
    concatenation.attr["N"].i = 1
    del concatenation.input[0]
    assert only_breach(meta_graph).endswith("(ConcatV2): attribute N: 1 is less than 2")


def test_a_missing_attribute_is_reported_only_if_it_has_no_default(meta_graph):
    convolution = node_of(meta_graph, "Conv2D")
    del convolution.attr["dilations"]
    assert breaches_of_tensorflow_1_15(meta_graph) == []
    del convolution.attr["strides"]
    assert only_breach(meta_graph).endswith("(Conv2D): attribute strides: missing, and has no default")


@pytest.mark.parametrize("op, expected", [("MatMul", 2), ("ConcatV2", 3)])
def test_a_further_input_is_reported_but_not_a_control_input(meta_graph, op, expected):
    node = node_of(meta_graph, op)
    node.input.append("^frames")
    assert breaches_of_tensorflow_1_15(meta_graph) == []
    node.input.insert(0, "frames")
    assert only_breach(meta_graph).endswith(f"({op}): has {expected + 1} inputs, not {expected}")


def test_functions_are_reported(meta_graph):
    meta_graph.graph_def.library.function.add().signature.name = "body"
    assert only_breach(meta_graph) == "function body: a graph for 1.15 must not need functions"


def test_a_graph_for_newer_readers_is_reported(meta_graph):
    meta_graph.graph_def.versions.min_consumer = 135
    assert "135" in only_breach(meta_graph)
    meta_graph.graph_def.versions.min_consumer = 134
    assert breaches_of_tensorflow_1_15(meta_graph) == []
    meta_graph.graph_def.versions.bad_consumers.append(134)
    assert "134" in only_breach(meta_graph)


def test_internal_attributes_are_not_the_registry_s(meta_graph):
    node_of(meta_graph, "MatMul").attr["_anything"].i = 1
    assert breaches_of_tensorflow_1_15(meta_graph) == []
