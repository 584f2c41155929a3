"""Prunes a saved graph to what computing positions needs, and rejects the ops that no network needs.

A graph is a program, and TensorFlow runs parts of it on import: to infer shapes it evaluates stateless ops such as
ReadFile. So the file is parsed as data here, which runs nothing, and pruned: TensorFlow gets only what `input_frames`,
`joint_pos`, the tensors `frame_features` and `frame_rows` and the saver's restore op depend on, through inputs, control
inputs and called functions. A training graph's optimizer, summaries, queues and tf.data pipelines are removed, whatever
ops they contain, and so are all collections except `validation_nodes`. tf.graph_util.extract_sub_graph was considered:
it keeps the whole function library and everything that a node is colocated with, and fails if a node does not exist.

The pruned graph may contain only `allowed_ops`. RestoreV2 reads the file that its input names, so it is allowed only
for restoring, and only if that input is the tensor into which the path of the model's own folder is fed.

Not guaranteed: that a graph terminates; how much memory it uses while it runs (constants are counted, but a few ops can
create tensors of any size from small numbers); that TensorFlow's kernels have no bugs.
"""

from __future__ import annotations

import math
import os
from collections.abc import Collection, Iterable, Iterator

from google.protobuf import text_format
from google.protobuf.message import DecodeError, Message

from model.export.allowed_ops import ALLOWED_OPS
from model.network import FRAME_FEATURES, FRAME_ROWS
from pipeline.tensorflow_v1 import tf
from support.user_error import UserError

COLLECTION = "validation_nodes"
LARGEST_GRAPH = 256 << 20
LARGEST_CONSTANTS = 1 << 30
BYTES_OF_STRING = 24
# TensorFlow's own limit.
MOST_DIMENSIONS = 254
MOST_NAMED_OPS = 5


def read_meta_graph(path: str) -> tf.MetaGraphDef:
    """Parses the tf.MetaGraphDef in the file without running any of it.

    Raises UserError if the file is not a MetaGraphDef or is larger than 268 MB.
    """
    size = os.path.getsize(path)
    if size > LARGEST_GRAPH:
        raise UserError(
            f"{path} has {size / 1e6:.0f} MB, but a graph may have at most {LARGEST_GRAPH / 1e6:.0f} MB; "
            "save it without data in it"
        )
    with open(path, "rb") as file:
        contents = file.read()
    try:
        meta_graph = tf.MetaGraphDef.FromString(contents)
    except DecodeError as error:
        text_graph = _meta_graph_in_text(contents)
        if text_graph is None:
            raise UserError(f"{path} cannot be loaded as a graph: {error}; save the model again") from error
        meta_graph = text_graph
    names = {node.name for node in meta_graph.graph_def.node}
    if len(names) < max(1, len(meta_graph.graph_def.node)):
        what = "two of its nodes have the same name" if names else "it is empty"
        raise UserError(f"{path} cannot be loaded as a graph: {what}; save the model again")
    return meta_graph


def _meta_graph_in_text(contents: bytes) -> tf.MetaGraphDef | None:
    """The graph that was saved with as_text=True; None if it is not one."""
    try:
        return text_format.Parse(contents.decode(), tf.MetaGraphDef())
    except (text_format.ParseError, ValueError, RecursionError):
        return None


def node_name(tensor: str) -> str:
    """The name of a tensor's node: "a" for the inputs "a:1", "^a" and "a"."""
    return tensor.removeprefix("^").split(":")[0]


def collected_names(meta_graph: tf.MetaGraphDef) -> list[str]:
    """The names in the collection `validation_nodes`, in order."""
    if COLLECTION not in meta_graph.collection_def:
        return []
    return list(meta_graph.collection_def[COLLECTION].node_list.value)


def nodes_by_name(meta_graph: tf.MetaGraphDef) -> dict[str, tf.NodeDef]:
    """Each tf.NodeDef of the graph by its name."""
    return {node.name: node for node in meta_graph.graph_def.node}


def nodes_behind(nodes: dict[str, tf.NodeDef], tensors: Iterable[str], given: Collection[str] = ()) -> dict[str, None]:
    """The names of the nodes that these tensors depend on, their own included: dict keys in order of discovery.

    nodes: by name. tensors: names. given: names of nodes that are fed, whose inputs are therefore not needed.
    """
    waiting = [node_name(tensor) for tensor in tensors]
    seen: dict[str, None] = {}
    while waiting:
        name = waiting.pop()
        if name in nodes and name not in seen:
            seen[name] = None
            if name not in given:
                waiting += [node_name(tensor) for tensor in nodes[name].input]
    return seen


def pruned_graph(meta_graph: tf.MetaGraphDef) -> tf.MetaGraphDef:
    """Prunes a graph to what positions and restoring need; keeps the saver and the collection `validation_nodes`."""
    kept = nodes_behind(nodes_by_name(meta_graph), _positions_roots(meta_graph) + _restoring_roots(meta_graph))
    pruned = tf.MetaGraphDef()
    pruned.meta_info_def.CopyFrom(meta_graph.meta_info_def)
    pruned.graph_def.versions.CopyFrom(meta_graph.graph_def.versions)
    pruned.graph_def.node.extend(node for node in meta_graph.graph_def.node if node.name in kept)
    pruned.graph_def.library.function.extend(_called_functions(meta_graph, pruned.graph_def.node))
    if meta_graph.HasField("saver_def"):
        pruned.saver_def.CopyFrom(meta_graph.saver_def)
    if COLLECTION in meta_graph.collection_def:
        pruned.collection_def[COLLECTION].CopyFrom(meta_graph.collection_def[COLLECTION])
    return pruned


def _positions_roots(meta_graph: tf.MetaGraphDef) -> list[str]:
    return [*collected_names(meta_graph), FRAME_FEATURES, FRAME_ROWS]


def _restoring_roots(meta_graph: tf.MetaGraphDef) -> list[str]:
    return [meta_graph.saver_def.restore_op_name, meta_graph.saver_def.filename_tensor_name]


def _called_functions(meta_graph: tf.MetaGraphDef, nodes: Iterable[tf.NodeDef]) -> Iterable[Message]:
    """The FunctionDefs of the library that these nodes call, directly or through other functions."""
    library = {function.signature.name: function for function in meta_graph.graph_def.library.function}
    waiting, called = [name for node in nodes for name in _functions_of_node(node)], {}
    while waiting:
        name = waiting.pop()
        if name in library and name not in called:
            called[name] = function = library[name]
            waiting += [name for node in function.node_def for name in _functions_of_node(node)]
            defaults = [attribute.default_value for attribute in function.signature.attr]
            waiting += [name for value in defaults for name in _functions_of_value(value)]
    return called.values()


def _functions_of_node(node: tf.NodeDef) -> Iterator[str]:
    yield node.op
    for value in node.attr.values():
        yield from _functions_of_value(value)


def _functions_in(value: tf.AttrValue) -> list[tf.NameAttrList]:
    return [*value.list.func, *([value.func] if value.HasField("func") else [])]


def _functions_of_value(value: tf.AttrValue) -> Iterator[str]:
    for function in _functions_in(value):
        yield function.name
        for inner in function.attr.values():
            yield from _functions_of_value(inner)


def check_ops(path: str, pruned: tf.MetaGraphDef) -> None:
    """Raises UserError if a pruned graph has ops that are not allowed, which it names, or too large constants.

    path: the file of the graph, for the message.
    """
    rejected = _rejected_nodes(pruned)
    if rejected:
        listed = ", ".join(f"{op} (node {name})" for op, name in list(rejected.items())[:MOST_NAMED_OPS])
        more = f" and {len(rejected) - MOST_NAMED_OPS} more" if len(rejected) > MOST_NAMED_OPS else ""
        raise UserError(
            f"{path} was not run: it contains ops that no network needs, {listed}{more}; "
            "if you trust the author of the model, give --trust"
        )
    claimed = _bytes_of_constants(pruned.graph_def)
    if claimed > LARGEST_CONSTANTS:
        raise UserError(
            f"{path} was not run: its constants take more than {LARGEST_CONSTANTS >> 20} MiB; "
            "save it without data in it or, if you trust the author of the model, give --trust"
        )


def _rejected_nodes(pruned: tf.MetaGraphDef) -> dict[str, str]:
    """The name of the first node of each op that is not allowed, by op."""
    functions = pruned.graph_def.library.function
    allowed = ALLOWED_OPS | {function.signature.name for function in functions}
    restoring = _restoring_nodes(pruned)
    rejected: dict[str, str] = {}
    for node in pruned.graph_def.node:
        if not (node.op in allowed or node.name in restoring) or _has_object(node):
            rejected.setdefault(node.op, node.name)
    for node in (node for function in functions for node in function.node_def):
        if node.op not in allowed or _has_object(node):
            rejected.setdefault(node.op, node.name)
    return rejected


def _restoring_nodes(pruned: tf.MetaGraphDef) -> set[str]:
    """The names of the RestoreV2 nodes that read the file whose path is fed and that no position depends on."""
    nodes = nodes_by_name(pruned)
    for_positions = nodes_behind(nodes, _positions_roots(pruned))
    fed = pruned.saver_def.filename_tensor_name
    return {
        name
        for name, node in nodes.items()
        if node.op == "RestoreV2" and name not in for_positions and node.input[:1] in ([fed], [fed.removesuffix(":0")])
    }


def _has_object(node: tf.NodeDef) -> bool:
    """Whether a constant of the node is not numbers or strings but, for example, a handle or an encoded object."""
    return any(_dtype_of(tensor) in (tf.variant, tf.resource, None) for tensor in _constants(node.attr.values()))


def _bytes_of_constants(graph_def: tf.GraphDef) -> int:
    """The memory that the constants need according to their shapes, which a file of a few bytes can make any size."""
    nodes = [*graph_def.node, *(node for function in graph_def.library.function for node in function.node_def)]
    return sum(_bytes_of(tensor) for node in nodes for tensor in _constants(node.attr.values()))


def _constants(values: Iterable[tf.AttrValue]) -> Iterator[Message]:
    """The TensorProtos in these values and in the functions that the values refer to."""
    for value in values:
        if value.HasField("tensor"):
            yield value.tensor
        yield from value.list.tensor
        for function in _functions_in(value):
            yield from _constants(function.attr.values())


def _dtype_of(tensor: Message) -> tf.DType | None:
    """The tf.DType of a TensorProto, or None if TensorFlow has no such type."""
    try:
        return tf.as_dtype(tensor.dtype).base_dtype
    except TypeError:
        return None


def _bytes_of(tensor: Message) -> int:
    """The memory that a TensorProto needs according to its shape; over the limit if it has too many dimensions."""
    dtype = _dtype_of(tensor)
    if len(tensor.tensor_shape.dim) > MOST_DIMENSIONS:
        return LARGEST_CONSTANTS + 1
    bytes_of_element = BYTES_OF_STRING if dtype is None or dtype == tf.string else dtype.size
    return bytes_of_element * math.prod(max(dimension.size, 0) for dimension in tensor.tensor_shape.dim)
