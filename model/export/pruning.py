"""Prunes a saved graph to what computing positions needs, and rejects ops that no network needs.

A graph is a program, and TensorFlow begins to run it on import: to infer shapes it evaluates stateless ops, ReadFile
among them. So the file is parsed as data here, which runs nothing, and pruned: TensorFlow only gets what
`input_frames`, `joint_pos`, the `shared_nodes` and the saver's restore op depend on, through inputs, control inputs and
called functions. A training graph's optimizer, summaries, queues and tf.data pipelines are pruned, whatever ops they
hold, as are all collections but the course's. tf.graph_util.extract_sub_graph was considered: it keeps all functions of
the library and whatever a node is colocated with, and fails where a node does not exist.

The pruned graph may only hold `allowed_ops`. RestoreV2 reads the file that its input names, so it is allowed only for
restoring, and only where that input is the tensor into which the path of the model's own folder is fed.

Not guaranteed: that a graph terminates; how much memory it takes while it runs (constants are counted, but a few ops
can make tensors of any size from small numbers); that TensorFlow's kernels have no bugs.
"""

from __future__ import annotations

import math
import os
from collections.abc import Collection, Iterable, Iterator

from google.protobuf.message import DecodeError, Message

from model.export.allowed_ops import ALLOWED_OPS
from model.export.refused_ops import refusal_reason
from model.shared_nodes import FRAME_FEATURES, FRAME_ROWS
from pipeline.tensorflow_v1 import tf
from support.user_error import UserError

COLLECTION = "validation_nodes"
LARGEST_GRAPH = 256 << 20
LARGEST_CONSTANTS = 1 << 30
BYTES_OF_TEXT = 24
# TensorFlow's own limit.
MOST_DIMENSIONS = 254
MOST_NAMED_OPS = 5


def read_meta_graph(path: str) -> tf.MetaGraphDef:
    """Parses the tf.MetaGraphDef in the file; runs nothing of it. Raises UserError where it is none or over 268 MB."""
    size = os.path.getsize(path)
    if size > LARGEST_GRAPH:
        raise UserError(
            f"{path} takes {size / 1e6:.0f} MB, a graph at most {LARGEST_GRAPH / 1e6:.0f}; save it without data in it"
        )
    meta_graph = tf.MetaGraphDef()
    try:
        with open(path, "rb") as file:
            meta_graph.ParseFromString(file.read())
    except DecodeError as error:
        raise UserError(f"{path} cannot be loaded as a graph: {error}; save the model again") from error
    names = {node.name for node in meta_graph.graph_def.node}
    if len(names) < max(1, len(meta_graph.graph_def.node)):
        what = "two of its nodes have one name" if names else "it holds nothing"
        raise UserError(f"{path} cannot be loaded as a graph: {what}; save the model again")
    return meta_graph


def node_name(tensor: str) -> str:
    """The name of a tensor's node: "a" for the inputs "a:1", "^a" and "a"."""
    return tensor.removeprefix("^").split(":")[0]


def collected_names(meta_graph: tf.MetaGraphDef) -> list[str]:
    """The names in the course's collection, in order."""
    if COLLECTION not in meta_graph.collection_def:
        return []
    return list(meta_graph.collection_def[COLLECTION].node_list.value)


def nodes_by_name(meta_graph: tf.MetaGraphDef) -> dict[str, tf.NodeDef]:
    """Each tf.NodeDef of the graph by its name."""
    return {node.name: node for node in meta_graph.graph_def.node}


def nodes_behind(nodes: dict[str, tf.NodeDef], tensors: Iterable[str], given: Collection[str] = ()) -> dict[str, None]:
    """The names of the nodes that these tensors depend on, including their own: keys in order of discovery.

    nodes: by name. tensors: names. given: names of nodes that are fed, so that what they depend on is not needed.
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
    """Prunes a graph to what positions and restoring need; keeps the saver and the course's collection."""
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
    """Raises UserError where a pruned graph holds ops that no network needs, which it names, or too large constants.

    path: of the file that the graph is from, for the message.
    """
    refused = _refused_nodes(pruned)
    if refused:
        listed = [f"{op} (node {name}){_reason(op)}" for op, name in list(refused.items())[:MOST_NAMED_OPS]]
        more = f" and {len(refused) - MOST_NAMED_OPS} more" if len(refused) > MOST_NAMED_OPS else ""
        raise UserError(
            f"{path}: refused {', '.join(listed)}{more}: a network has no need of it, and nothing was run; "
            "look at what the model does, and if you trust whoever made it, give --trust"
        )
    claimed = _bytes_of_constants(pruned.graph_def)
    if claimed > LARGEST_CONSTANTS:
        raise UserError(
            f"{path}: its constants take more than the {LARGEST_CONSTANTS} bytes that are allowed; "
            "keep data out of it, or if you trust whoever made it, give --trust"
        )


def _reason(op: str) -> str:
    reason = refusal_reason(op)
    return "" if reason is None else f" because {reason}"


def _refused_nodes(pruned: tf.MetaGraphDef) -> dict[str, str]:
    """Each op that is refused, with the name of the first node of that op."""
    functions = pruned.graph_def.library.function
    allowed = ALLOWED_OPS | {function.signature.name for function in functions}
    restoring = _restoring_nodes(pruned)
    refused: dict[str, str] = {}
    for node in pruned.graph_def.node:
        if not (node.op in allowed or node.name in restoring) or _holds_an_object(node):
            refused.setdefault(node.op, node.name)
    for node in (node for function in functions for node in function.node_def):
        if node.op not in allowed or _holds_an_object(node):
            refused.setdefault(node.op, node.name)
    return refused


def _restoring_nodes(pruned: tf.MetaGraphDef) -> set[str]:
    """The names of the RestoreV2 nodes that read the file whose path is fed, and on which no position depends."""
    nodes = nodes_by_name(pruned)
    for_positions = nodes_behind(nodes, _positions_roots(pruned))
    fed = pruned.saver_def.filename_tensor_name
    return {
        name
        for name, node in nodes.items()
        if node.op == "RestoreV2" and name not in for_positions and node.input[:1] in ([fed], [fed.removesuffix(":0")])
    }


def _holds_an_object(node: tf.NodeDef) -> bool:
    """Whether one of its constants is anything but numbers and texts, such as a handle or an encoded object."""
    return any(_kind_of(tensor) in (tf.variant, tf.resource, None) for tensor in _constants(node.attr.values()))


def _bytes_of_constants(graph_def: tf.GraphDef) -> int:
    """The memory that constants take according to their shapes: a few bytes of a file can claim any size."""
    nodes = [*graph_def.node, *(node for function in graph_def.library.function for node in function.node_def)]
    return sum(_bytes_of(tensor) for node in nodes for tensor in _constants(node.attr.values()))


def _constants(values: Iterable[tf.AttrValue]) -> Iterator[Message]:
    """The TensorProtos in these values and in the functions that they name."""
    for value in values:
        if value.HasField("tensor"):
            yield value.tensor
        yield from value.list.tensor
        for function in _functions_in(value):
            yield from _constants(function.attr.values())


def _kind_of(tensor: Message) -> tf.DType | None:
    """The tf.DType of a TensorProto, or None where TensorFlow has no such type."""
    try:
        return tf.as_dtype(tensor.dtype).base_dtype
    except TypeError:
        return None


def _bytes_of(tensor: Message) -> int:
    """The memory that a TensorProto takes according to its shape; too much where it has more dimensions than it can."""
    kind = _kind_of(tensor)
    if len(tensor.tensor_shape.dim) > MOST_DIMENSIONS:
        return LARGEST_CONSTANTS + 1
    bytes_of_element = BYTES_OF_TEXT if kind is None or kind == tf.string else kind.size
    return bytes_of_element * math.prod(max(dimension.size, 0) for dimension in tensor.tensor_shape.dim)
