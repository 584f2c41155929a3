"""The course's contract: checks a saved model against it, names every breach, and opens a model that keeps it."""

from __future__ import annotations

import contextlib
import os
import re
import stat
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from command_line.user_error import UserError
from model.export.pruning import COLLECTION, collected_names, node_name, nodes_behind, nodes_by_name, read_meta_graph
from model.export.saved_model import MODEL_FILES, MODEL_NAME, graph_path, predictor_of, restored_graph
from model.predictor import Predictor
from pipeline.sequence_shape import COURSE_SHAPE, SequenceShape
from pipeline.tensorflow_v1 import tf

FURTHER_INPUTS = ("Placeholder", "IteratorV2", "Iterator", "OneShotIterator", "QueueDequeueV2", "QueueDequeueManyV2")

LARGEST_CHECKPOINT = 1 << 20
MOST_EXTRA_FILES = 20


class ContractBreaches(UserError):
    """Every way in which a model breaks the contract, one message each."""


class OpenedModel(NamedTuple):
    """predictor: of a model that keeps the contract. verdict: a line that says so."""

    predictor: Predictor
    verdict: str


def contract_breaches(directory: str, shape: SequenceShape = COURSE_SHAPE, trust: bool = False) -> list[str]:
    """The breaches of the model in the folder: one-line messages, none where it keeps the contract.

    Arguments and errors are those of `opened_model`.
    """
    try:
        with opened_model(directory, shape, trust):
            return []
    except ContractBreaches as found:
        return list(found.messages)


@contextlib.contextmanager
def opened_model(directory: str, shape: SequenceShape = COURSE_SHAPE, trust: bool = False) -> Iterator[OpenedModel]:
    """Checks the model in the folder and yields it, an OpenedModel; closes its session at the end.

    shape: SequenceShape of the data, which replaces the course's in the contract. trust: whether to run a graph that
    holds more than the ops of a network. Raises ContractBreaches where the model breaks the contract, and UserError
    where there is no such folder. Later checks depend on earlier ones: a folder that lacks a file is not loaded, and
    nothing of the graph is run before everything else is checked.
    """
    if not os.path.isdir(directory):
        raise UserError(f"{directory} is not a folder; give the folder that holds the model's four files")
    breaches = _file_breaches(directory)
    kinds = _kinds_of_files(directory)
    if any(not stat.S_ISREG(kinds.get(name, 0)) for name in MODEL_FILES) or _special_files(kinds):
        raise ContractBreaches(*breaches)
    breaches += _checkpoint_breaches(directory)
    with contextlib.ExitStack() as stack:
        try:
            if node_breaches := _node_breaches(read_meta_graph(graph_path(directory)), shape):
                raise ContractBreaches(*breaches, *node_breaches)
            graph, session = stack.enter_context(restored_graph(directory, trust=trust))
            breaches += _prediction_breaches(graph, session, shape)
        except ContractBreaches:
            raise
        except UserError as error:
            breaches += error.messages
        if breaches:
            raise ContractBreaches(*breaches)
        yield OpenedModel(predictor_of(graph, session), verdict(shape))


def verdict(shape: SequenceShape) -> str:
    """The line on a model that takes sequences of this SequenceShape and keeps the contract in everything else."""
    if shape == COURSE_SHAPE:
        return "The model keeps the contract."
    return f"The model takes {shape}, the course's contract wants {COURSE_SHAPE}; in all else it keeps the contract."


def _kinds_of_files(directory: str) -> dict[str, int]:
    """The mode of each directory entry by its name; of a link, not of its target."""
    return {entry.name: entry.stat(follow_symlinks=False).st_mode for entry in os.scandir(directory)}


def _special_files(kinds: dict[str, int]) -> list[str]:
    """The names of links, pipes and devices: reading them could leave the folder, or never end."""
    return sorted(name for name, mode in kinds.items() if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)))


def _file_breaches(directory: str) -> list[str]:
    kinds = _kinds_of_files(directory)
    special = [name for name in _special_files(kinds) if name in MODEL_FILES]
    missing = [name for name in MODEL_FILES if name not in special and not stat.S_ISREG(kinds.get(name, 0))]
    extra = sorted(set(kinds) - set(MODEL_FILES))
    breaches = [f"the file {name} is missing; save the model again" for name in missing]
    breaches += [f"{name} is a link or device, not a file; put the file itself in the folder" for name in special]
    breaches += [f"{name} is one file too many; take it out of the folder" for name in extra[:MOST_EXTRA_FILES]]
    if len(extra) > MOST_EXTRA_FILES:
        breaches.append(f"{len(extra) - MOST_EXTRA_FILES} more files are too many; take them out of the folder")
    return breaches


def _checkpoint_breaches(directory: str) -> list[str]:
    with open(os.path.join(directory, "checkpoint"), encoding="utf-8", errors="replace") as file:
        text = file.read(LARGEST_CHECKPOINT)
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


def _node_breaches(meta_graph: tf.MetaGraphDef, shape: SequenceShape) -> list[str]:
    names, nodes = collected_names(meta_graph), nodes_by_name(meta_graph)
    if len(names) != 2 or not all(":" in name and node_name(name) in nodes for name in names):
        held = ", ".join(names) or "nothing"
        return [f"the collection {COLLECTION} must hold input_frames and joint_pos, it holds {held}"]
    if names == ["joint_pos:0", "input_frames:0"]:
        return [f"the collection {COLLECTION} holds joint_pos before input_frames; add input_frames first"]
    breaches = []
    for held, name in zip(names, ("input_frames", "joint_pos"), strict=True):
        if held != f"{name}:0":
            breaches.append(f"the collection {COLLECTION} holds {held} where {name} belongs; name the tensor {name}")
    breaches += _input_breaches(nodes[node_name(names[0])], shape)
    return breaches + _further_inputs(nodes, *names)


def _input_breaches(node: tf.NodeDef, shape: SequenceShape) -> list[str]:
    if node.op != "Placeholder":
        return [f"input_frames is the result of {node.op}; make it a tf.placeholder"]
    breaches = []
    dtype = tf.as_dtype(node.attr["dtype"].type)
    if dtype != tf.uint8:
        breaches.append(f"input_frames has dtype {dtype.name}; the contract's is uint8")
    found = tf.TensorShape(node.attr["shape"].shape if "shape" in node.attr else None)
    found = None if found.ndims is None else found.as_list()
    if found != [None, *shape.frames]:
        breaches.append(f"input_frames has shape {found}; {_whose(shape)} is {[None, *shape.frames]}")
    return breaches


def _whose(shape: SequenceShape) -> str:
    return "the contract's" if shape == COURSE_SHAPE else "the data set's"


def _further_inputs(nodes: dict[str, tf.NodeDef], input_frames: str, joint_pos: str) -> list[str]:
    """Inputs behind joint_pos that are neither a weight nor input_frames."""
    needed = nodes_behind(nodes, [joint_pos], given=[node_name(input_frames)])
    return [
        f"joint_pos needs the further input {name}; export a graph that needs input_frames alone"
        for name in needed
        if nodes[name].op in FURTHER_INPUTS and name != node_name(input_frames)
    ]


def _prediction_breaches(graph: tf.Graph, session: tf.Session, shape: SequenceShape) -> list[str]:
    """Runs the model on frames of one colour, in batches of one and of three."""
    input_frames, joint_pos = graph.get_collection(COLLECTION)
    if joint_pos.dtype != tf.float32:
        return [f"joint_pos has dtype {joint_pos.dtype.name}; the contract's is float32"]
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
