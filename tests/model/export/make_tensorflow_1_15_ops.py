"""Writes `tensorflow_1_15_ops.json` beside itself: what TensorFlow 1.15 lets the nodes of a graph say.

The committed table was made with TensorFlow 1.15.5 on CPython 3.7, by

    python3.7 -m pip install tensorflow==1.15.5 "protobuf<3.21"
    python3.7 make_tensorflow_1_15_ops.py

and covers every op that TensorFlow's own library registers. It holds

    tensorflow_version   the version that it was made with
    graph_def_version    the version of GraphDef that this TensorFlow reads
    data_types           the numbers of the data types that it knows, by name
    attributes           each different attribute once: "type"; where they apply, "optional" (it has a default),
                         "allowed" (the only values that it may have) and "minimum" (of an int, or of a list's length)
    ops                  by op: "inputs", with 1 for each input that is one tensor, and for one that is a list of
                         tensors the attribute that numbers them; "attributes": by name, which of the above
"""

import json
import os

import tensorflow
from tensorflow.core.framework import op_def_pb2, types_pb2
from tensorflow.python import pywrap_tensorflow

DESTINATION = os.path.join(os.path.dirname(os.path.abspath(__file__)), "tensorflow_1_15_ops.json")


def main():
    registered = op_def_pb2.OpList()
    registered.ParseFromString(pywrap_tensorflow.TF_GetBuffer(pywrap_tensorflow.TF_GetAllOpList()))
    attributes = []
    table = {
        "tensorflow_version": tensorflow.__version__,
        "graph_def_version": tensorflow.GRAPH_DEF_VERSION,
        "data_types": dict(types_pb2.DataType.items()),
        "attributes": attributes,
        "ops": {op.name: described_op(op, attributes) for op in registered.op},
    }
    with open(DESTINATION, "w") as file:
        file.write(one_entry_per_line(table))


def described_op(op, attributes):
    """The table's entry for an OpDef; adds to `attributes` those that are not yet in it."""
    places = {}
    for attribute in op.attr:
        description = described_attribute(attribute)
        if description not in attributes:
            attributes.append(description)
        places[attribute.name] = attributes.index(description)
    inputs = [argument.number_attr or argument.type_list_attr or 1 for argument in op.input_arg]
    return {"inputs": inputs, "attributes": places}


def described_attribute(attribute):
    description = {"type": attribute.type}
    if attribute.HasField("default_value"):
        description["optional"] = True
    if attribute.HasField("allowed_values"):
        allowed = attribute.allowed_values.list
        texts = [text.decode("ascii") for text in allowed.s]
        description["allowed"] = [types_pb2.DataType.Name(number) for number in allowed.type] + texts
    if attribute.has_minimum:
        description["minimum"] = attribute.minimum
    return description


def one_entry_per_line(table):
    """JSON in which each attribute and each op has a line of its own."""

    def compact(value):
        return json.dumps(value, separators=(",", ":"))

    scalars = [f'"{name}":{compact(table[name])}' for name in ("tensorflow_version", "graph_def_version", "data_types")]
    attributes = ",\n".join(compact(attribute) for attribute in table["attributes"])
    ops = ",\n".join(f"{compact(name)}:{compact(op)}" for name, op in sorted(table["ops"].items()))
    return "{" + ",\n".join(scalars) + f',\n"attributes":[\n{attributes}\n],\n"ops":{{\n{ops}\n}}}}\n'


if __name__ == "__main__":
    main()
