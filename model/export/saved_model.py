"""The four files that the course grades: how ours are written, and how anybody's are loaded."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator

from model.export.failure_cause import failure_cause
from model.export.graph import InferenceGraph
from model.export.pruning import COLLECTION, check_ops, pruned_graph, read_meta_graph
from model.predictor import Predictor
from model.save_errors import user_errors_of_saving
from model.session_config import session_config
from model.shared_nodes import shared_nodes
from pipeline.tensorflow_v1 import tf
from support.atomic_write import atomic_folder
from support.user_error import UserError

MODEL_NAME = "my_model"
MODEL_FILES = (
    "checkpoint",
    f"{MODEL_NAME}.data-00000-of-00001",
    f"{MODEL_NAME}.index",
    f"{MODEL_NAME}.meta",
)
PATTERN_CHARACTERS = set("[]*?\\") if os.name == "posix" else set("[]*?")


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
    graph = import_graph(graph_path(directory), trust)
    with restored_session(os.path.join(directory, MODEL_NAME), graph) as session:
        input_frames, joint_pos = graph.get_collection(COLLECTION)
        yield Predictor(session, input_frames, joint_pos, shared_nodes(graph))


@contextlib.contextmanager
def restored_session(weights: str, graph: tf.Graph, threads: int = 0) -> Iterator[tf.Session]:
    """Yields a session that holds the weights; errors are those of `restore_weights`.

    threads: that it computes with; 0 for one a core. A graph that asks for a GPU runs without one too.
    """
    config = session_config("float32")
    config.allow_soft_placement = True
    config.intra_op_parallelism_threads = config.inter_op_parallelism_threads = threads
    with tf.Session(graph=graph, config=config) as session:
        restore_weights(weights, graph, session)
        yield session


def graph_path(directory: str) -> str:
    """The path of the file that holds the graph."""
    return os.path.join(directory, f"{MODEL_NAME}.meta")


def import_graph(path: str, trust: bool = False) -> tf.Graph:
    """The tf.Graph in the file `path`, pruned to what positions and weights need, on no device in particular.

    Raises UserError where it is not one that this TensorFlow knows, or holds ops that a network has no need of. trust:
    whether it may hold any. See `pruning`.
    """
    return imported_graph(path, read_meta_graph(path), trust)


def imported_graph(path: str, meta_graph: tf.MetaGraphDef, trust: bool = False) -> tf.Graph:
    """As import_graph, of what was read from `path`."""
    part = pruned_graph(meta_graph)
    if not trust:
        check_ops(path, part)
    graph = tf.Graph()
    try:
        with graph.as_default():
            saver = tf.train.import_meta_graph(part, clear_devices=True)
            graph.add_to_collection("savers_of_the_course", saver)
    except Exception as error:
        raise UserError(f"{path} cannot be loaded as a graph: {failure_cause(error)}; save the model again") from error
    return graph


def restore_weights(weights: str, graph: tf.Graph, session: tf.Session) -> None:
    """Restores what `weights`, a path without endings, names; raises UserError where files and graph do not fit."""
    [saver] = graph.get_collection("savers_of_the_course")
    if saver is None:
        raise UserError(f"{weights}: the graph has no Saver; save the model with tf.train.Saver().save")
    saver_def = saver.saver_def
    try:
        with _path_without_patterns(weights) as path:
            session.run(saver_def.restore_op_name, {saver_def.filename_tensor_name: path})
    except Exception as error:
        raise UserError(
            f"{weights}: the weights cannot be restored: {failure_cause(error)}; save them again"
        ) from error


@contextlib.contextmanager
def _path_without_patterns(weights: str) -> Iterator[str]:
    """Yields a path to the same files: TensorFlow takes the one that it is given for a pattern, brackets and all."""
    if not PATTERN_CHARACTERS.intersection(weights):
        yield weights
        return
    folder, name = os.path.split(os.path.abspath(weights))
    with tempfile.TemporaryDirectory() as plain:
        for entry in os.scandir(folder):
            if entry.name.startswith(f"{name}."):
                os.symlink(entry.path, os.path.join(plain, entry.name.replace(name, MODEL_NAME, 1)))
        yield os.path.join(plain, MODEL_NAME)
