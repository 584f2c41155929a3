"""Checks a saved model against the assignment's requirements, and opens it for scoring.

Every breach of a requirement gets a message of one line.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass

from model.export.found_model import FoundModel, find_model
from model.export.machine_trouble import error_of_the_machine
from model.export.probe import probe, who_requires
from model.export.pruning import COLLECTION, collected_names, node_name, nodes_behind, nodes_by_name, read_meta_graph
from model.export.saved_model import imported_graph, restored_session
from model.predictor import Predictor, shared_nodes
from model.tensorflow_errors import failure_cause
from pipeline.sequence_shape import COURSE_SHAPE, SequenceShape
from pipeline.tensorflow_v1 import tf
from support.machine_errors import is_machine_trouble, machine_errors
from support.user_error import MachineError, MemoryLimitError, UserError

PLACEHOLDERS = ("Placeholder", "PlaceholderWithDefault")
FURTHER_INPUTS = ("Placeholder", "IteratorV2", "Iterator", "OneShotIterator", "QueueDequeueV2", "QueueDequeueManyV2")


class ContractBreaches(UserError):
    """All breaches of the requirements, one message each."""


@dataclass(frozen=True)
class ExaminedModel:
    predictor: Predictor | None  # None if the model cannot be scored
    breaches: list[str]  # of the requirements, one line each
    notes: list[str]  # on places of files and on other files, one line each
    warnings: list[str]  # other problems that affect scores, one line each
    tensorflow_version: str | None = None  # version that saved it; None if unknown


@dataclass(frozen=True)
class OpenedModel:
    predictor: Predictor
    verdict: str  # one line


def contract_breaches(directory: str, shape: SequenceShape = COURSE_SHAPE, trust: bool = False) -> list[str]:
    """The requirements that the model in the folder breaks, one line each; empty if it meets all.

    Arguments and errors are those of `examined_model`.
    """
    with examined_model(directory, shape, trust) as examined:
        return examined.breaches


@contextlib.contextmanager
def opened_model(directory: str, shape: SequenceShape = COURSE_SHAPE, trust: bool = False) -> Iterator[OpenedModel]:
    """Yields a model that meets the requirements; raises ContractBreaches if it does not.

    Arguments and further errors are those of `examined_model`.
    """
    with examined_model(directory, shape, trust) as examined:
        if examined.breaches or examined.predictor is None:
            raise ContractBreaches(*examined.breaches)
        yield OpenedModel(examined.predictor, verdict([], shape))


@contextlib.contextmanager
def examined_model(
    directory: str, shape: SequenceShape = COURSE_SHAPE, trust: bool = False, threads: int = 0
) -> Iterator[ExaminedModel]:
    """Checks the model in the folder and yields an ExaminedModel; closes its session at the end.

    shape: the SequenceShape of the data, which replaces the assignment's. trust: run the graph even if it has ops that
    no network needs. threads: as in restored_session. The graph is run only after everything else is checked. Raises
    UserError if there is no such folder, MachineError if the machine is at fault, for example because its disk is full
    or it has no GPU, and MemoryLimitError or MemoryError if the model needs more memory.
    """
    with contextlib.ExitStack() as stack:
        with machine_errors():
            found = find_model(directory)
            examined = _examined_or_refused(found, shape, trust, threads, stack)
        yield examined


def verdict(breaches: list[str], shape: SequenceShape) -> str:
    """One line on a model with these breaches that takes sequences of this SequenceShape."""
    if breaches:
        count = "1 problem" if len(breaches) == 1 else f"{len(breaches)} problems"
        return f"The model does not meet the assignment's requirements: {count}."
    if shape == COURSE_SHAPE:
        return "The model meets the assignment's requirements."
    return (
        f"The model takes {shape}, but the assignment requires {COURSE_SHAPE}. "
        "It meets the assignment's other requirements."
    )


def _examined_or_refused(
    found: FoundModel, shape: SequenceShape, trust: bool, threads: int, stack: contextlib.ExitStack
) -> ExaminedModel:
    """As _examined, but a model that cannot be loaded has a breach. Raises errors that are not the model's fault."""
    try:
        return _examined(found, shape, trust, threads, stack)
    except (MachineError, MemoryLimitError, MemoryError):
        raise
    except UserError as error:
        breaches = list(error.messages)
    except Exception as error:
        if isinstance(error, OSError) and is_machine_trouble(error):
            raise
        if machine_error := error_of_the_machine(error):
            raise machine_error from error
        # An untrusted graph makes protobuf, NumPy and TensorFlow raise exceptions of many types.
        breaches = [f"{found.graph} cannot be examined: {failure_cause(error)}; save the model again"]
    return ExaminedModel(None, [*found.breaches, *breaches], found.notes, [])


def _examined(
    found: FoundModel, shape: SequenceShape, trust: bool, threads: int, stack: contextlib.ExitStack
) -> ExaminedModel:
    """Examines a model whose session the stack closes. Raises UserError if the model cannot be loaded."""
    if not found.graph:
        return ExaminedModel(None, found.breaches, found.notes, [])
    meta_graph = read_meta_graph(found.graph)
    version = meta_graph.meta_info_def.tensorflow_version or None
    tensors, graph_breaches = _find_tensors(meta_graph, shape)
    breaches = found.breaches + graph_breaches
    if tensors is None:
        return ExaminedModel(None, breaches, found.notes, [], version)
    meta_graph.collection_def[COLLECTION].Clear()
    meta_graph.collection_def[COLLECTION].node_list.value.extend(tensors)
    _remove_default(nodes_by_name(meta_graph)[node_name(tensors[0])])
    try:
        graph = imported_graph(found.graph, meta_graph, trust)
        session = stack.enter_context(restored_session(found.weights, graph, threads))
        input_frames, joint_pos = (graph.get_tensor_by_name(name) for name in tensors)
    except (MachineError, MemoryLimitError):
        raise
    except (UserError, KeyError) as error:
        messages = error.messages if isinstance(error, UserError) else (f"the graph lacks the tensor {error}",)
        return ExaminedModel(None, [*breaches, *messages], found.notes, [], version)
    probed = probe(session, input_frames, joint_pos, shape)
    breaches += probed.breaches
    if not probed.can_score:
        return ExaminedModel(None, breaches, found.notes, probed.warnings, version)
    # A graph that breaks a requirement is computed without sharing frames. Breaches concerning files are irrelevant.
    shared = None if graph_breaches or probed.breaches else shared_nodes(graph)
    predictor = Predictor(session, input_frames, joint_pos, shared, probed.batch_size)
    return ExaminedModel(predictor, breaches, found.notes, probed.warnings, version)


def _find_tensors(meta_graph: tf.MetaGraphDef, shape: SequenceShape) -> tuple[tuple[str, str] | None, list[str]]:
    """Finds input_frames and joint_pos by the collection or, failing that, by name; returns their names and breaches.

    The names are None if the graph cannot be run.
    """
    names, nodes = collected_names(meta_graph), nodes_by_name(meta_graph)
    if len(names) != 2 or not all(":" in name and node_name(name) in nodes for name in names):
        held = ", ".join(names[:5]) or "nothing"
        breaches = [f"the collection {COLLECTION} must contain input_frames and joint_pos, but contains {held}"]
        names = ["input_frames:0", "joint_pos:0"]
        if not all(node_name(name) in nodes for name in names):
            return None, breaches
    elif names == ["joint_pos:0", "input_frames:0"]:
        breaches = [f"the collection {COLLECTION} has joint_pos before input_frames; add input_frames first"]
        names.reverse()
    else:
        breaches = _name_breaches(names, nodes)
    placeholder = _placeholder_behind(nodes, names, shape)
    if nodes[node_name(names[0])].op != "Placeholder":
        breaches.append(_not_a_placeholder(nodes[node_name(names[0])], placeholder))
    if placeholder is None:
        return None, breaches
    breaches += _input_breaches(nodes[node_name(placeholder)], shape)
    further = _further_inputs(nodes, placeholder, names[1])
    can_run = not further and _takes_sequences(_shape_of_placeholder(nodes[node_name(placeholder)]), shape)
    return (placeholder, names[1]) if can_run else None, breaches + further


def _takes_sequences(dimensions: list[int | None] | None, shape: SequenceShape) -> bool:
    """Whether a placeholder with these dimensions accepts sequences of this SequenceShape."""
    if dimensions is None:
        return True
    wanted = [dimensions[0], *shape.frames]
    return len(dimensions) == len(wanted) and all(a in (None, b) for a, b in zip(dimensions, wanted, strict=True))


def _name_breaches(names: list[str], nodes: dict[str, tf.NodeDef]) -> list[str]:
    """Breaches concerning the names of tensors in the collection."""
    breaches = []
    for collected, name in zip(names, ("input_frames", "joint_pos"), strict=True):
        if collected == f"{name}:0":
            continue
        advice = f"add the tensor {name} itself" if name in nodes else f"name the tensor {name}"
        breaches.append(f"the collection {COLLECTION} has {collected} instead of {name}; {advice}")
    return breaches


def _remove_default(node: tf.NodeDef) -> None:
    """Makes a placeholder that is always fed one without a default, which would be checked and loaded too."""
    if node.op == "PlaceholderWithDefault":
        node.op = "Placeholder"
        del node.input[:]


def _placeholder_behind(nodes: dict[str, tf.NodeDef], names: list[str], shape: SequenceShape) -> str | None:
    """The placeholder for the frames: the one in the collection, or the only suitable one behind joint_pos."""
    if nodes[node_name(names[0])].op in PLACEHOLDERS:
        return names[0]
    behind = [name for name in nodes_behind(nodes, names[1:]) if nodes[name].op in PLACEHOLDERS]
    shapes = {name: _shape_of_placeholder(nodes[name]) for name in behind}
    suitable = [name for name in behind if shapes[name] is not None and _takes_sequences(shapes[name], shape)]
    to_feed = [name for name in behind if nodes[name].op == "Placeholder"]
    return next((f"{candidates[0]}:0" for candidates in (suitable, to_feed) if len(candidates) == 1), None)


def _not_a_placeholder(node: tf.NodeDef, placeholder: str | None) -> str:
    if node.op == "PlaceholderWithDefault":
        return f"{node.name} is made by tf.placeholder_with_default; the assignment requires tf.placeholder"
    what = f"{node.name} is not a placeholder but the result of {node.op}"
    if placeholder is None:
        return f"{what}; use tf.placeholder"
    return f"{what}; add the placeholder {node_name(placeholder)} itself to the collection"


def _input_breaches(node: tf.NodeDef, shape: SequenceShape) -> list[str]:
    breaches = []
    dtype = _dtype_name(node.attr["dtype"].type)
    if dtype != "uint8":
        breaches.append(f"input_frames has dtype {dtype}; the assignment requires uint8")
    found = _shape_of_placeholder(node)
    if found != [None, *shape.frames]:
        breaches.append(f"input_frames has shape {found}; {who_requires(shape)} {[None, *shape.frames]}")
    return breaches


def _dtype_name(number: int) -> str:
    try:
        return str(tf.as_dtype(number).name)
    except TypeError:
        return f"number {number}"


def _shape_of_placeholder(node: tf.NodeDef) -> list[int | None] | None:
    """Its dimensions; None if they are unknown.

    TensorFlow 1.1 and older write them only to `_output_shapes`, and write [] for an unknown shape.
    """
    claims = [node.attr["shape"].shape] if "shape" in node.attr else []
    if "_output_shapes" in node.attr:
        claims += node.attr["_output_shapes"].list.shape
    for claim in claims:
        if not claim.unknown_rank and claim.dim:
            return [None if dimension.size < 0 else dimension.size for dimension in claim.dim]
    return None


def _further_inputs(nodes: dict[str, tf.NodeDef], input_frames: str, joint_pos: str) -> list[str]:
    """The breaches by inputs, other than input_frames, that joint_pos depends on."""
    needed = nodes_behind(nodes, [joint_pos], given=[node_name(input_frames)])
    return [
        f"joint_pos needs another input, {name}; export a graph that needs only input_frames"
        for name in needed
        if nodes[name].op in FURTHER_INPUTS and name != node_name(input_frames)
    ]
