"""What TensorFlow 1.15 would refuse in a graph, told without it: its registry is in a table beside this file."""

import functools
import json
import os

# The field of an AttrValue, or of its list, that holds a value of each type that an OpDef gives an attribute.
FIELDS = {
    "string": "s",
    "int": "i",
    "float": "f",
    "bool": "b",
    "type": "type",
    "shape": "shape",
    "tensor": "tensor",
    "func": "func",
}


@functools.cache
def registry():
    """The table that `make_tensorflow_1_15_ops.py` made, which says what is in it."""
    folder = os.path.dirname(os.path.abspath(__file__))
    with open(os.path.join(folder, "tensorflow_1_15_ops.json"), encoding="ascii") as file:
        return json.load(file)


def breaches_of_tensorflow_1_15(meta_graph):
    """What import_meta_graph of TensorFlow 1.15 would refuse in a MetaGraphDef: a line for each such thing.

    The list is empty for a graph that it takes. Checked are the GraphDef's version and, for each node in turn, the op,
    the number of inputs, and that its attributes are known, complete, and of a permitted type and value. As in
    `_RemoveDefaultAttrs` of TensorFlow 1.15's importer.py, an unknown attribute does no harm while it has the default
    value that the MetaGraphDef's own list of ops gives it. Functions are listed too, since their bodies go unchecked.
    """
    graph = meta_graph.graph_def
    defaults = {
        (op.name, attribute.name): attribute.default_value
        for op in meta_graph.meta_info_def.stripped_op_list.op
        for attribute in op.attr
        if attribute.HasField("default_value")
    }
    found = [*_version_breaches(graph.versions)]
    for function in graph.library.function:
        found.append(f"function {function.signature.name}: a graph for 1.15 must not need functions")
    for node in graph.node:
        found += [f"node {node.name} ({node.op}): {breach}" for breach in _node_breaches(node, defaults)]
    return found


def _version_breaches(versions):
    ours = registry()["graph_def_version"]
    if versions.min_consumer > ours:
        yield f"graph: needs a reader of GraphDef version {versions.min_consumer}, 1.15's is {ours}"
    if ours in versions.bad_consumers:
        yield f"graph: refuses readers of GraphDef version {ours}, which 1.15's is"


def _node_breaches(node, defaults):
    op = registry()["ops"].get(node.op)
    if op is None:
        yield "this op is not in TensorFlow 1.15"
        return
    for name in sorted(node.attr):
        if name.startswith("_"):
            continue
        if name in op["attributes"]:
            description = registry()["attributes"][op["attributes"][name]]
            yield from (f"attribute {name}: {breach}" for breach in _value_breaches(node.attr[name], description))
        elif defaults.get((node.op, name)) != node.attr[name]:
            yield f"attribute {name}: not in TensorFlow 1.15, and not at its default"
    for name, place in op["attributes"].items():
        if name not in node.attr and not registry()["attributes"][place].get("optional"):
            yield f"attribute {name}: missing, and has no default"
    yield from _input_breaches(node, op["inputs"])


def _value_breaches(value, description):
    """What an OpDef's attribute forbids about an AttrValue."""
    is_list = description["type"].startswith("list(")
    element = description["type"][len("list(") : -1] if is_list else description["type"]
    if is_list:
        fields = {field.name for field, _ in value.list.ListFields()}
        right_type = value.WhichOneof("value") == "list" and fields <= {FIELDS[element]}
    else:
        right_type = value.WhichOneof("value") == FIELDS[element]
    if not right_type:
        yield f"is not of type {description['type']}"
        return

    values = list(getattr(value.list, FIELDS[element])) if is_list else [getattr(value, FIELDS[element])]
    if element == "type":
        names = {number: name for name, number in registry()["data_types"].items()}
        values = [names.get(number, f"data type {number}") for number in values]
        yield from (f"{unknown} is not in TensorFlow 1.15" for unknown in values if unknown not in names.values())
    if element == "string" and "allowed" in description:
        values = [text.decode("utf-8", "backslashreplace") for text in values]
    if "allowed" in description:
        yield from (f"{one} is not allowed" for one in values if one not in description["allowed"])
    if "minimum" in description:
        measured = len(values) if is_list else values[0]
        if measured < description["minimum"]:
            yield f"{measured} is less than {description['minimum']}"


def _input_breaches(node, arguments):
    """Whether the node has as many data inputs as the op's arguments, each of which is 1 or its number's attribute."""
    counting = [name for name in arguments if name != 1]
    if any(name not in node.attr for name in counting):
        return
    expected = len(arguments) - len(counting) + sum(_count(node.attr[name]) for name in counting)
    actual = sum(not name.startswith("^") for name in node.input)
    if actual != expected:
        yield f"has {actual} inputs, not {expected}"


def _count(value):
    return len(value.list.type) if value.WhichOneof("value") == "list" else value.i
