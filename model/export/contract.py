"""The course's contract: checks a saved model against it, names every breach, and opens what can be scored."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import NamedTuple

from model.export.failure_cause import failure_cause
from model.export.found_model import FoundModel, find_model
from model.export.probe import Probe, probe, whose
from model.export.pruning import COLLECTION, collected_names, node_name, nodes_behind, nodes_by_name, read_meta_graph
from model.export.saved_model import imported_graph, restored_session
from model.predictor import Predictor
from model.shared_nodes import shared_nodes
from pipeline.sequence_shape import COURSE_SHAPE, SequenceShape
from pipeline.tensorflow_v1 import tf
from support.user_error import UserError

FURTHER_INPUTS = ("Placeholder", "IteratorV2", "Iterator", "OneShotIterator", "QueueDequeueV2", "QueueDequeueManyV2")


class ContractBreaches(UserError):
    """Every way in which a model breaks the contract, one message each."""


class ExaminedModel(NamedTuple):
    """predictor: None where the model cannot be scored.

    breaches: one line for each way in which it breaks the contract. warnings: what else whoever scores it should know,
    one line each. tensorflow_version: that saved it, None where that is not known.
    """

    predictor: Predictor | None
    breaches: list[str]
    warnings: list[str]
    tensorflow_version: str | None = None


class OpenedModel(NamedTuple):
    """predictor: of a model that keeps the contract. verdict: a line that says so."""

    predictor: Predictor
    verdict: str


class _Nodes(NamedTuple):
    """The names of the tensors that stand for input_frames and joint_pos; None where there are none."""

    tensors: tuple[str, str] | None
    breaches: list[str]


def contract_breaches(directory: str, shape: SequenceShape = COURSE_SHAPE, trust: bool = False) -> list[str]:
    """The breaches of the model in the folder: one-line messages, none where it keeps the contract.

    Arguments and errors are those of `examined_model`.
    """
    with examined_model(directory, shape, trust) as examined:
        return examined.breaches


@contextlib.contextmanager
def opened_model(directory: str, shape: SequenceShape = COURSE_SHAPE, trust: bool = False) -> Iterator[OpenedModel]:
    """Yields a model of which nothing breaks the contract; raises ContractBreaches otherwise.

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

    shape: SequenceShape of the data, which replaces the course's in the contract. trust: whether to run a graph that
    holds more than the ops of a network. threads: as in restored_session. Raises UserError where there is no such
    folder. Nothing of the graph is run before everything else is checked.
    """
    found = find_model(directory)
    with contextlib.ExitStack() as stack:
        try:
            examined = _examined(found, shape, trust, threads, stack)
        except UserError as error:
            examined = ExaminedModel(None, [*found.breaches, *error.messages], [])
        except Exception as error:
            # A stranger's graph makes protobuf, NumPy and TensorFlow raise exceptions of many types.
            said = f"{found.graph} cannot be examined: {failure_cause(error)}; save the model again"
            examined = ExaminedModel(None, [*found.breaches, said], [])
        yield examined


def _examined(
    found: FoundModel, shape: SequenceShape, trust: bool, threads: int, stack: contextlib.ExitStack
) -> ExaminedModel:
    """The session is left to the stack. Raises UserError where the model cannot be loaded."""
    if not found.graph:
        return ExaminedModel(None, found.breaches, [])
    meta_graph = read_meta_graph(found.graph)
    version = meta_graph.meta_info_def.tensorflow_version or None
    named = _named_nodes(meta_graph, shape)
    breaches = found.breaches + named.breaches
    if named.tensors is None:
        return ExaminedModel(None, breaches, [], version)
    _collect(meta_graph, named.tensors)
    try:
        graph = imported_graph(found.graph, meta_graph, trust)
        session = stack.enter_context(restored_session(found.weights, graph, threads))
        input_frames, joint_pos = (graph.get_tensor_by_name(name) for name in named.tensors)
    except (UserError, KeyError) as error:
        messages = error.messages if isinstance(error, UserError) else (f"the graph lacks the tensor {error}",)
        return ExaminedModel(None, [*breaches, *messages], [], version)
    tried = probe(session, input_frames, joint_pos, shape)
    breaches += tried.breaches
    if not tried.can_score:
        return ExaminedModel(None, breaches, tried.warnings, version)
    # Where the files lie says nothing of the graph.
    keeps = not named.breaches and not tried.breaches
    return ExaminedModel(_predictor(session, named.tensors, tried, keeps), breaches, tried.warnings, version)


def _predictor(session: tf.Session, tensors: tuple[str, str], tried: Probe, keeps: bool) -> Predictor:
    """keeps: whether the graph keeps the contract. Only then what overlapping sequences share is computed once."""
    graph = session.graph
    shared = shared_nodes(graph) if keeps else None
    input_frames, joint_pos = map(graph.get_tensor_by_name, tensors)
    return Predictor(session, input_frames, joint_pos, shared, tried.batch_size)


def _collect(meta_graph: tf.MetaGraphDef, tensors: tuple[str, str]) -> None:
    """Puts these two alone in the course's collection."""
    meta_graph.collection_def[COLLECTION].Clear()
    meta_graph.collection_def[COLLECTION].node_list.value.extend(tensors)


def verdict(breaches: list[str], shape: SequenceShape) -> str:
    """The line on a model of these breaches that takes sequences of this SequenceShape."""
    if breaches:
        return f"The model breaks the contract in {len(breaches)} {'way' if len(breaches) == 1 else 'ways'}."
    if shape == COURSE_SHAPE:
        return "The model keeps the contract."
    return f"The model takes {shape}, the course's contract wants {COURSE_SHAPE}; in all else it keeps the contract."


def _named_nodes(meta_graph: tf.MetaGraphDef, shape: SequenceShape) -> _Nodes:
    """The two tensors of the contract, by the collection or, where that fails, by what is in the graph."""
    names, nodes = collected_names(meta_graph), nodes_by_name(meta_graph)
    if len(names) != 2 or not all(":" in name and node_name(name) in nodes for name in names):
        held = ", ".join(names[:5]) or "nothing"
        breaches = [f"the collection {COLLECTION} must hold input_frames and joint_pos, it holds {held}"]
        names = ["input_frames:0", "joint_pos:0"]
        if not all(node_name(name) in nodes for name in names):
            return _Nodes(None, breaches)
    elif names == ["joint_pos:0", "input_frames:0"]:
        breaches = [f"the collection {COLLECTION} holds joint_pos before input_frames; add input_frames first"]
        names.reverse()
    else:
        breaches = _name_breaches(names, nodes)
    placeholder = _placeholder_behind(nodes, names)
    if nodes[node_name(names[0])].op != "Placeholder":
        breaches.append(_not_a_placeholder(nodes[node_name(names[0])], placeholder))
    if placeholder is None:
        return _Nodes(None, breaches)
    breaches += _input_breaches(nodes[node_name(placeholder)], shape)
    further = _further_inputs(nodes, placeholder, names[1])
    can_run = not further and _takes_sequences(_shape_of_placeholder(nodes[node_name(placeholder)]), shape)
    return _Nodes((placeholder, names[1]) if can_run else None, breaches + further)


def _takes_sequences(dimensions: list[int | None] | None, shape: SequenceShape) -> bool:
    """Whether a placeholder of these dimensions can be fed sequences of this SequenceShape."""
    if dimensions is None:
        return True
    wanted = [dimensions[0], *shape.frames]
    return len(dimensions) == len(wanted) and all(a in (None, b) for a, b in zip(dimensions, wanted, strict=True))


def _name_breaches(names: list[str], nodes: dict[str, tf.NodeDef]) -> list[str]:
    """A line for each tensor of the collection that has another name than the contract's."""
    breaches = []
    for held, name in zip(names, ("input_frames", "joint_pos"), strict=True):
        if held == f"{name}:0":
            continue
        advice = f"add the tensor {name} itself" if name in nodes else f"name the tensor {name}"
        breaches.append(f"the collection {COLLECTION} holds {held} where {name} belongs; {advice}")
    return breaches


def _placeholder_behind(nodes: dict[str, tf.NodeDef], names: list[str]) -> str | None:
    """The name of the placeholder that takes the frames: the collection's, or the only one behind joint_pos."""
    if nodes[node_name(names[0])].op == "Placeholder":
        return names[0]
    behind = [name for name in nodes_behind(nodes, names[1:]) if nodes[name].op == "Placeholder"]
    return f"{behind[0]}:0" if len(behind) == 1 else None


def _not_a_placeholder(node: tf.NodeDef, placeholder: str | None) -> str:
    what = f"{node.name} is the result of {node.op}"
    if placeholder is None:
        return f"{what}; make it a tf.placeholder"
    return f"{what}; add the placeholder {node_name(placeholder)} itself to the collection"


def _input_breaches(node: tf.NodeDef, shape: SequenceShape) -> list[str]:
    breaches = []
    dtype = _dtype_name(node.attr["dtype"].type)
    if dtype != "uint8":
        breaches.append(f"input_frames has dtype {dtype}; the contract's is uint8")
    found = _shape_of_placeholder(node)
    if found != [None, *shape.frames]:
        breaches.append(f"input_frames has shape {found}; {whose(shape)} is {[None, *shape.frames]}")
    return breaches


def _dtype_name(number: int) -> str:
    try:
        return str(tf.as_dtype(number).name)
    except TypeError:
        return f"number {number}"


def _shape_of_placeholder(node: tf.NodeDef) -> list[int | None] | None:
    """Its dimensions, None where nothing is known of them.

    TensorFlow 1.1 and older keep them in `_output_shapes` alone, and write [] for an unknown shape.
    """
    claims = [node.attr["shape"].shape] if "shape" in node.attr else []
    if "_output_shapes" in node.attr:
        claims += node.attr["_output_shapes"].list.shape
    for claim in claims:
        if not claim.unknown_rank and claim.dim:
            return [None if dimension.size < 0 else dimension.size for dimension in claim.dim]
    return None


def _further_inputs(nodes: dict[str, tf.NodeDef], input_frames: str, joint_pos: str) -> list[str]:
    """Inputs behind joint_pos that are neither a weight nor input_frames."""
    needed = nodes_behind(nodes, [joint_pos], given=[node_name(input_frames)])
    return [
        f"joint_pos needs the further input {name}; export a graph that needs input_frames alone"
        for name in needed
        if nodes[name].op in FURTHER_INPUTS and name != node_name(input_frames)
    ]
