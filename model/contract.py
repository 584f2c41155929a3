"""Checks a saved model against the course's contract, and names every breach."""

import os
import re

import numpy as np

from model.saved_model import MODEL_FILES, MODEL_NAME, import_graph, restore_weights
from model.session_config import session_config
from pipeline.sequence_shape import COURSE_SHAPE
from pipeline.tensorflow_v1 import tf
from pipeline.user_error import UserError

COLLECTION = "validation_nodes"
FURTHER_INPUTS = ("Placeholder", "IteratorV2", "Iterator", "OneShotIterator", "QueueDequeueV2", "QueueDequeueManyV2")


def contract_breaches(directory, shape=COURSE_SHAPE):
    """Every way in which the folder breaks the contract: a list of one-line messages, empty where it keeps it.

    Later checks need what earlier ones establish, so a folder that lacks a file is not loaded. shape: SequenceShape of
    the input; with another than the course's, whatever else the contract says. Raises UserError where there is no such
    folder.
    """
    if not os.path.isdir(directory):
        raise UserError(f"{directory} is not a folder; give the folder that holds the model's four files")
    breaches = _file_breaches(directory)
    if any(not os.path.isfile(os.path.join(directory, name)) for name in MODEL_FILES):
        return breaches
    breaches += _checkpoint_breaches(directory)
    try:
        graph = import_graph(directory)
        node_breaches = _node_breaches(graph, shape)
        if node_breaches:
            return breaches + node_breaches
        with tf.Session(graph=graph, config=session_config("float32")) as session:
            restore_weights(directory, graph, session)
            return breaches + _prediction_breaches(graph, session, shape)
    except UserError as error:
        return [*breaches, str(error)]


def _file_breaches(directory):
    extra_names = sorted(set(os.listdir(directory)) - set(MODEL_FILES))
    missing_names = [name for name in MODEL_FILES if not os.path.isfile(os.path.join(directory, name))]
    missing = [f"the file {name} is missing; save the model again" for name in missing_names]
    extra = [f"{name} is one file too many; take it out of the folder" for name in extra_names]
    return missing + extra


def _checkpoint_breaches(directory):
    with open(os.path.join(directory, "checkpoint"), encoding="utf-8", errors="replace") as file:
        text = file.read()
    named = re.search(r'^model_checkpoint_path:\s*"(.*)"', text, re.MULTILINE)
    if named is None:
        return ["the file checkpoint does not name a model_checkpoint_path; save the model again"]
    breaches = []
    for path in dict.fromkeys(re.findall(r'model_checkpoint_paths?:\s*"(.*)"', text)):
        if os.path.isabs(path) or re.match(r"[A-Za-z]:|\\", path):
            breaches.append(f"the file checkpoint holds the absolute path {path}; save with a relative one")
        elif os.path.dirname(os.path.normpath(path)):
            breaches.append(
                f"the file checkpoint names {path}, outside of the folder; save as {MODEL_NAME} in the folder"
            )
    if not breaches and os.path.normpath(named[1]) != MODEL_NAME:
        breaches.append(f"the file checkpoint names {named[1]}, not {MODEL_NAME}; save the model as {MODEL_NAME}")
    return breaches


def _node_breaches(graph, shape):
    nodes = graph.get_collection(COLLECTION)
    if len(nodes) != 2 or not all(isinstance(node, tf.Tensor) for node in nodes):
        return [f"the collection {COLLECTION} must hold input_frames and joint_pos, it holds {_names(nodes)}"]
    if [node.name for node in nodes] == ["joint_pos:0", "input_frames:0"]:
        return [f"the collection {COLLECTION} holds joint_pos before input_frames; add input_frames first"]
    input_frames, joint_pos = nodes
    breaches = []
    for node, name in zip(nodes, ("input_frames", "joint_pos")):
        if node.name != f"{name}:0":
            breaches.append(
                f"the collection {COLLECTION} holds {node.name} where {name} belongs; name the tensor {name}"
            )
    if input_frames.op.type != "Placeholder":
        breaches.append(f"input_frames is the result of {input_frames.op.type}; make it a tf.placeholder")
    if input_frames.dtype != tf.uint8:
        breaches.append(f"input_frames has dtype {input_frames.dtype.name}; the contract's is uint8")
    if _shape(input_frames) != [None, *shape.frames]:
        wanted = f"{_whose(shape)} is {[None, *shape.frames]}"
        breaches.append(f"input_frames has shape {_shape(input_frames)}; {wanted}")
    if joint_pos.dtype != tf.float32:
        breaches.append(f"joint_pos has dtype {joint_pos.dtype.name}; the contract's is float32")
    return breaches + _further_inputs(input_frames, joint_pos)


def _whose(shape):
    return "the contract's" if shape == COURSE_SHAPE else "the data set's"


def _names(nodes):
    return ", ".join(getattr(node, "name", repr(node)) for node in nodes) or "nothing"


def _shape(tensor):
    return None if tensor.shape.ndims is None else tensor.shape.as_list()


def _further_inputs(input_frames, joint_pos):
    """Walks back from joint_pos to whatever it needs that is neither a weight nor input_frames."""
    waiting, seen, breaches = [joint_pos.op], {joint_pos.op}, []
    while waiting:
        op = waiting.pop()
        if op.type in FURTHER_INPUTS and op != input_frames.op:
            breaches.append(
                f"joint_pos needs the further input {op.name}; export a graph that needs input_frames alone"
            )
        for needed in [tensor.op for tensor in op.inputs] + list(op.control_inputs):
            if needed not in seen and op != input_frames.op:
                seen.add(needed)
                waiting.append(needed)
    return breaches


def _prediction_breaches(graph, session, shape):
    """Runs the model on frames of one colour, in batches of one and of three."""
    input_frames, joint_pos = graph.get_collection(COLLECTION)
    for colours in ([0], [0, 77, 255]):
        frames = np.zeros((len(colours), *shape.frames), np.uint8) + np.array(colours, np.uint8).reshape(-1, 1, 1, 1, 1)
        try:
            positions = session.run(joint_pos, {input_frames: frames})
        except tf.errors.OpError as error:
            return [f"joint_pos cannot be computed for {len(frames)} sequences: {str(error).strip().splitlines()[0]}"]
        expected = (len(frames), *shape.labels)
        if positions.shape != expected:
            wanted = f"{_whose(shape)} is {expected}"
            return [f"joint_pos has shape {positions.shape} for {len(frames)} sequences; {wanted}"]
        if not np.isfinite(positions).all():
            return ["joint_pos is NaN or infinite for a frame of one colour; divide by no less than a small deviation"]
    return []
