"""TensorFlow 1.15 loads the exported graphs: it has each of their ops, and each attribute of these ops."""

import pytest

from model.export.contract import contract_breaches
from model.export.graph import build_inference_graph, load_weights
from model.export.saved_model import save_model
from model.network_kinds import NETWORKS
from pipeline.tensorflow_v1 import tf
from tests.conftest import drawn_weights

GRAPH_DEF_VERSION = 134
# The ops of our exports with the attributes that TensorFlow 1.15.5 registers for them; "?": those with a default.
# To use another op in a network, add its line from `tensorflow.raw_ops` of TensorFlow 1.15.
OPS = """
    AddN N T
    AddV2 T
    Assign T validate_shape? use_locking?
    BatchMatMulV2 T adj_x? adj_y?
    BiasAdd T data_format?
    Cast SrcT DstT Truncate?
    ConcatV2 N T Tidx?
    Const value dtype
    Conv2D T strides padding use_cudnn_on_gpu? explicit_paddings? data_format? dilations?
    Enter T frame_name is_constant? parallel_iterations?
    Exit T
    ExpandDims T Tdim?
    Fill T index_type?
    GatherV2 Tparams Tindices Taxis batch_dims?
    Identity T
    Less T
    LogicalAnd
    LoopCond
    MatMul T transpose_a? transpose_b?
    Maximum T
    Mean T keep_dims? Tidx?
    Merge T N
    Minimum T
    Mul T
    NextIteration T
    NoOp
    Placeholder dtype shape?
    PlaceholderWithDefault dtype shape
    RandomStandardNormal dtype T seed? seed2?
    RandomUniform dtype T seed? seed2?
    Range Tidx?
    RealDiv T
    Relu T
    Reshape T Tshape?
    ResizeNearestNeighbor T align_corners? half_pixel_centers?
    RestoreV2 dtypes
    ReverseV2 T Tidx?
    Rsqrt T
    SaveV2 dtypes
    Shape T out_type?
    Sigmoid T
    Softmax T
    Split num_split T
    SplitV num_split T Tlen?
    Sqrt T
    Square T
    StridedSlice T Index begin_mask? end_mask? ellipsis_mask? new_axis_mask? shrink_axis_mask?
    Sub T
    Switch T
    Tanh T
    TensorArrayGatherV3 dtype element_shape?
    TensorArrayReadV3 dtype
    TensorArrayScatterV3 T
    TensorArrayV3 dtype element_shape? dynamic_size? clear_after_read? identical_element_shapes? tensor_array_name?
    TensorArrayWriteV3 T
    Transpose T Tperm?
    TruncatedNormal dtype T seed? seed2?
    VariableV2 shape dtype container? shared_name?
"""
ATTRIBUTES = {line.split()[0]: line.split()[1:] for line in OPS.strip().splitlines()}


def problems_in_1_15(meta_graph):
    """The reasons why import_meta_graph of TensorFlow 1.15 rejects a MetaGraphDef, one line each.

    As `_RemoveDefaultAttrs` of its importer.py does, this ignores an unknown attribute that has the default value given
    in the MetaGraphDef's own list of ops.
    """
    graph = meta_graph.graph_def
    defaults = {
        (op.name, attribute.name): attribute.default_value
        for op in meta_graph.meta_info_def.stripped_op_list.op
        for attribute in op.attr
        if attribute.HasField("default_value")
    }
    problems = []
    if graph.versions.min_consumer > GRAPH_DEF_VERSION or GRAPH_DEF_VERSION in graph.versions.bad_consumers:
        problems.append("GraphDef version")
    problems += [f"function {function.signature.name}" for function in graph.library.function]
    for node in graph.node:
        if node.op not in ATTRIBUTES:
            problems.append(f"{node.op}: op not in the table")
            continue
        known, required = {name.rstrip("?") for name in ATTRIBUTES[node.op]}, set(ATTRIBUTES[node.op])
        for name in sorted(node.attr):
            is_default = defaults.get((node.op, name)) == node.attr[name]
            if not (name in known or name.startswith("_") or is_default):
                problems.append(f"{node.op}: unknown attribute {name}")
        missing = {name for name in required - set(node.attr) if not name.endswith("?")}
        problems += [f"{node.op}: missing attribute {name}" for name in sorted(missing)]
    return problems


@pytest.mark.parametrize("averages_mirror", [False, True])
@pytest.mark.parametrize("network", sorted(NETWORKS))
def test_every_exported_network_loads_in_1_15(network, averages_mirror, tmp_path):
    inference = build_inference_graph(network, 8, averages_mirror)
    with tf.Session(graph=inference.graph) as session:
        load_weights(inference, session, drawn_weights(inference, seed=0))
        save_model(str(tmp_path / "model"), inference, session)
    meta_graph = tf.MetaGraphDef.FromString((tmp_path / "model" / "my_model.meta").read_bytes())
    assert {"Conv2D", "MatMul", "Placeholder", "SaveV2", "RestoreV2"} <= {node.op for node in meta_graph.graph_def.node}
    assert problems_in_1_15(meta_graph) == []
    assert contract_breaches(str(tmp_path / "model")) == []


@pytest.fixture
def meta_graph():
    """A small graph of ops in the table, as a Saver writes it."""
    with tf.Graph().as_default() as graph:
        weights = tf.get_variable("weights", [3, 2], use_resource=False)
        tf.gradients(tf.matmul(tf.placeholder(tf.float32, [None, 3]), weights, name="product"), weights)
        tf.train.Saver()
        return tf.train.export_meta_graph(graph_def=graph.as_graph_def())


def node_of(meta_graph, name):
    return next(node for node in meta_graph.graph_def.node if node.name == name)


def test_gradients_of_this_tensorflow_do_not_load(meta_graph):
    assert any(problem.startswith("MatMul: unknown attribute grad_") for problem in problems_in_1_15(meta_graph))


def test_only_an_unknown_attribute_at_its_default_is_ignored(meta_graph):
    before = problems_in_1_15(meta_graph)
    node_of(meta_graph, "product").attr["grad_a"].b = False
    assert problems_in_1_15(meta_graph) == before
    node_of(meta_graph, "product").attr["grad_a"].b = True
    assert len(problems_in_1_15(meta_graph)) == len(before) + 1


def test_other_problems_are_reported(meta_graph):
    before = problems_in_1_15(meta_graph)
    meta_graph.graph_def.versions.min_consumer = GRAPH_DEF_VERSION + 1
    meta_graph.graph_def.library.function.add().signature.name = "body"
    del node_of(meta_graph, "product").attr["T"]
    node_of(meta_graph, "weights").op = "NewVariable"
    added = [problem for problem in problems_in_1_15(meta_graph) if problem not in before]
    assert sorted(added) == [
        "GraphDef version",
        "MatMul: missing attribute T",
        "NewVariable: op not in the table",
        "function body",
    ]
