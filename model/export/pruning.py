"""The part of a saved graph that computing positions needs, and whether it holds only ops that a network needs.

A graph is a program, and TensorFlow begins to run it as it imports it: to infer shapes it computes whatever stateless ops
give them, a ReadFile too. So the file is read here as data, which runs nothing, and what is not needed is left out: only
what `input_frames`, `joint_pos`, the `shared_nodes` and the saver's restoring come from, through inputs, control inputs
and called functions, is ever given to TensorFlow. A training graph's optimizer, summaries, queues and tf.data pipelines
stay behind, whatever they are, as do all collections but the course's.

What is left is checked against `allowed_ops`. RestoreV2 reads the file that its input names, so it may be part of restoring
alone, and only where that input is the tensor into which the folder's own path is fed.

Not promised: that a graph comes to an end, or how much memory it takes while it runs (constants are counted, but a few ops
can make any amount from small numbers); that TensorFlow's kernels have no faults of their own.
"""

from __future__ import annotations

import math
import os

from google.protobuf.message import DecodeError

from command_line.user_error import UserError
from model.export.allowed_ops import ALLOWED_OPS
from model.shared_nodes import FRAME_FEATURES, FRAME_ROWS
from pipeline.tensorflow_v1 import tf

COLLECTION = "validation_nodes"
LARGEST_GRAPH = 256 << 20
LARGEST_CONSTANTS = 1 << 30
BYTES_OF_TEXT = 24
MOST_NAMED_OPS = 5


def read_meta_graph(path):
    """The tf.MetaGraphDef in the file; runs nothing of it. Raises UserError where it is none or over 256 MB large."""
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


def node_name(tensor):
    """The node of an input or a tensor: "a" for "a:1", "^a" and "a"."""
    return tensor.removeprefix("^").split(":")[0]


def collected_names(meta_graph):
    """The names in the course's collection, in order."""
    if COLLECTION not in meta_graph.collection_def:
        return []
    return list(meta_graph.collection_def[COLLECTION].node_list.value)


def nodes_by_name(meta_graph):
    """A dict from name to NodeDef."""
    return {node.name: node for node in meta_graph.graph_def.node}


def nodes_behind(nodes, tensors, given=()):
    """The names of the nodes that these tensors come from, their own too; a dict without values, in order of discovery.

    nodes: a dict from name to NodeDef. tensors: names. given: names of nodes that are fed, behind which nothing is needed.
    """
    waiting, seen = [node_name(tensor) for tensor in tensors], {}
    while waiting:
        name = waiting.pop()
        if name in nodes and name not in seen:
            seen[name] = None
            if name not in given:
                waiting += [node_name(tensor) for tensor in nodes[name].input]
    return seen


def pruned_graph(meta_graph):
    """A new MetaGraphDef of what positions and restoring need, with the same saver and the course's collection."""
    kept = nodes_behind(nodes_by_name(meta_graph), _positions_roots(meta_graph) + _restoring_roots(meta_graph))
    part = tf.MetaGraphDef()
    part.meta_info_def.CopyFrom(meta_graph.meta_info_def)
    part.graph_def.versions.CopyFrom(meta_graph.graph_def.versions)
    part.graph_def.node.extend(node for node in meta_graph.graph_def.node if node.name in kept)
    part.graph_def.library.function.extend(_called_functions(meta_graph, part.graph_def.node))
    if meta_graph.HasField("saver_def"):
        part.saver_def.CopyFrom(meta_graph.saver_def)
    if COLLECTION in meta_graph.collection_def:
        part.collection_def[COLLECTION].CopyFrom(meta_graph.collection_def[COLLECTION])
    return part


def _positions_roots(meta_graph):
    return [*collected_names(meta_graph), FRAME_FEATURES, FRAME_ROWS]


def _restoring_roots(meta_graph):
    return [meta_graph.saver_def.restore_op_name, meta_graph.saver_def.filename_tensor_name]


def _called_functions(meta_graph, nodes):
    """The functions of the library that these nodes call, those that they call in turn too."""
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


def _functions_of_node(node):
    yield node.op
    for value in node.attr.values():
        yield from _functions_of_value(value)


def _functions_in(value):
    return [*value.list.func, *([value.func] if value.HasField("func") else [])]


def _functions_of_value(value):
    for function in _functions_in(value):
        yield function.name
        for inner in function.attr.values():
            yield from _functions_of_value(inner)


def check_ops(path, part):
    """Raises UserError that names the ops, in what `pruned_graph` left, that a network has no need of.

    path: of the file that it is from.
    """
    refused = _refused_nodes(part)
    if refused:
        listed = [f"{op} (node {name})" for op, name in list(refused.items())[:MOST_NAMED_OPS]]
        more = f" and {len(refused) - MOST_NAMED_OPS} more" if len(refused) > MOST_NAMED_OPS else ""
        raise UserError(
            f"{path}: refused {', '.join(listed)}{more}: a network has no need of it, and nothing was run; look at what "
            "the model does, and if you trust whoever made it, give --trust"
        )
    claimed = _bytes_of_constants(part.graph_def)
    if claimed > LARGEST_CONSTANTS:
        raise UserError(
            f"{path}: its constants take {claimed} bytes, at most {LARGEST_CONSTANTS} are allowed; keep data out of it, "
            "or if you trust whoever made it, give --trust"
        )


def _refused_nodes(part):
    """A dict from each op that is refused to the name of the first node that is one."""
    functions = part.graph_def.library.function
    allowed = ALLOWED_OPS | {function.signature.name for function in functions}
    restoring = _restoring_nodes(part)
    refused = {}
    for node in part.graph_def.node:
        if not (node.op in allowed or node.name in restoring) or _holds_an_object(node):
            refused.setdefault(node.op, node.name)
    for node in (node for function in functions for node in function.node_def):
        if node.op not in allowed or _holds_an_object(node):
            refused.setdefault(node.op, node.name)
    return refused


def _restoring_nodes(part):
    """The names of the RestoreV2 nodes that read from where they are told to, and that positions do not need."""
    nodes = nodes_by_name(part)
    for_positions = nodes_behind(nodes, _positions_roots(part))
    told = part.saver_def.filename_tensor_name
    return {
        name
        for name, node in nodes.items()
        if node.op == "RestoreV2"
        and name not in for_positions
        and node.input[:1] in ([told], [told.removesuffix(":0")])
    }


def _holds_an_object(node):
    """Whether one of its constants is anything but numbers and texts, such as a handle or an encoded object."""
    return any(_kind_of(tensor) in (tf.variant, tf.resource, None) for tensor in _constants(node.attr.values()))


def _bytes_of_constants(graph_def):
    """What the graph's constants claim to take in memory; a few bytes of a file can claim any size."""
    nodes = [*graph_def.node, *(node for function in graph_def.library.function for node in function.node_def)]
    return sum(_bytes_of(tensor) for node in nodes for tensor in _constants(node.attr.values()))


def _constants(values):
    for value in values:
        if value.HasField("tensor"):
            yield value.tensor
        yield from value.list.tensor
        for function in _functions_in(value):
            yield from _constants(function.attr.values())


def _kind_of(tensor):
    """The tf.DType of a TensorProto, None if there is none such."""
    try:
        return tf.as_dtype(tensor.dtype).base_dtype
    except TypeError:
        return None


def _bytes_of(tensor):
    kind = _kind_of(tensor)
    bytes_of_element = BYTES_OF_TEXT if kind is None or kind == tf.string else kind.size
    return bytes_of_element * math.prod(max(dimension.size, 0) for dimension in tensor.tensor_shape.dim)
