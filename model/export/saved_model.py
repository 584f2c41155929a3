"""The four files that the course grades: how ours are written, and how anybody's are loaded."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator

from command_line.user_error import UserError
from files.atomic_write import atomic_folder
from model.export.graph import InferenceGraph
from model.export.pruning import COLLECTION, check_ops, pruned_graph, read_meta_graph
from model.predictor import Predictor
from model.save_errors import user_errors_of_saving
from model.session_config import session_config
from model.shared_nodes import shared_nodes
from pipeline.tensorflow_v1 import tf

MODEL_NAME = "my_model"
MODEL_FILES = (
    "checkpoint",
    f"{MODEL_NAME}.data-00000-of-00001",
    f"{MODEL_NAME}.index",
    f"{MODEL_NAME}.meta",
)


def save_model(directory: str, inference: InferenceGraph, session: tf.Session) -> None:
    """Writes the four files, and nothing else, to `directory`; the folder appears, or replaces an older one, whole.

    inference: an InferenceGraph. session: one that holds its weights.
    """
    with atomic_folder(directory) as partial, inference.graph.as_default():
        inference.saver.set_last_checkpoints_with_time([])
        with user_errors_of_saving(directory):
            inference.saver.save(session, os.path.join(partial, MODEL_NAME), strip_default_attrs=True)


def copy_model(source: str, directory: str) -> None:
    """Copies the four files of one folder to another, which appears, or replaces an older one, whole."""
    with atomic_folder(directory) as partial:
        for name in MODEL_FILES:
            shutil.copy(os.path.join(source, name), partial)


@contextlib.contextmanager
def loaded_model(directory: str, trust: bool = False) -> Iterator[Predictor]:
    """Yields the Predictor of a model whose contract is not checked; closes its session at the end.

    Raises UserError where the graph or the weights cannot be loaded. trust: as in `import_graph`.
    """
    with restored_graph(directory, trust) as (graph, session):
        yield predictor_of(graph, session)


@contextlib.contextmanager
def restored_graph(directory: str, trust: bool = False) -> Iterator[tuple[tf.Graph, tf.Session]]:
    """Yields the graph and a session that holds its weights; arguments and errors are those of `loaded_model`."""
    graph = import_graph(directory, trust)
    with tf.Session(graph=graph, config=session_config("float32")) as session:
        restore_weights(directory, graph, session)
        yield graph, session


def predictor_of(graph: tf.Graph, session: tf.Session) -> Predictor:
    """The Predictor of a graph that has the course's collection; session: one that holds its weights."""
    input_frames, joint_pos = graph.get_collection(COLLECTION)
    return Predictor(session, input_frames, joint_pos, shared_nodes(graph))


def graph_path(directory: str) -> str:
    """The path of the file that holds the graph."""
    return os.path.join(directory, f"{MODEL_NAME}.meta")


def import_graph(directory: str, trust: bool = False) -> tf.Graph:
    """The tf.Graph in `my_model.meta`, pruned to what positions and weights need.

    Raises UserError where it is not one that this TensorFlow knows, or holds ops that a network has no need of. trust:
    whether it may hold any. See `pruning`.
    """
    path = graph_path(directory)
    part = pruned_graph(read_meta_graph(path))
    if not trust:
        check_ops(path, part)
    graph = tf.Graph()
    try:
        with graph.as_default():
            graph.add_to_collection("savers_of_the_course", tf.train.import_meta_graph(part))
    except Exception as error:
        raise UserError(f"{path} cannot be loaded as a graph: {_first_line(error)}; save the model again") from error
    return graph


def restore_weights(directory: str, graph: tf.Graph, session: tf.Session) -> None:
    """Restores `my_model` into a session; raises UserError where files and graph do not fit together."""
    [saver] = graph.get_collection("savers_of_the_course")
    if saver is None:
        raise UserError(f"{directory}: the graph has no Saver; save the model with tf.train.Saver().save")
    try:
        saver.restore(session, os.path.join(directory, MODEL_NAME))
    except (tf.errors.OpError, ValueError, TypeError, LookupError) as error:
        raise UserError(
            f"{directory}: the weights cannot be restored: {_first_line(error)}; save the model again"
        ) from error


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
