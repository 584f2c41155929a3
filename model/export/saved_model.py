"""Saves a model as the four files that the assignment requires, and loads any such model."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import tempfile
from collections.abc import Iterator

from model.export.graph import InferenceGraph
from model.export.machine_trouble import error_of_the_machine
from model.export.pruning import COLLECTION, check_ops, pruned_graph, read_meta_graph
from model.predictor import Predictor, shared_nodes
from model.session_config import session_config
from model.tensorflow_errors import failure_cause, user_errors_of_saving
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
# How tf.train.Saver ends the name of weights in several files, in its old format V1.
PARTS_OF_FORMAT_V1 = re.compile(r"-\?{5}-of-\d{5}$")
PATTERN_CHARACTERS = set("[]*?\\") if os.name == "posix" else set("[]*?")


def save_model(directory: str, inference: InferenceGraph, session: tf.Session) -> None:
    """Writes exactly the four files to the folder `directory`, which is created or replaced atomically.

    session: one with the weights of the graph. Raises UserError if the disk is full.
    """
    with atomic_folder(directory) as partial, inference.graph.as_default():
        inference.saver.set_last_checkpoints_with_time([])
        with user_errors_of_saving(directory):
            inference.saver.save(session, os.path.join(partial, MODEL_NAME), strip_default_attrs=True)


def copy_model(source: str, directory: str) -> None:
    """Copies the four files to the folder `directory`, which is created or replaced atomically."""
    with atomic_folder(directory) as partial:
        for name in MODEL_FILES:
            shutil.copy(os.path.join(source, name), partial)


@contextlib.contextmanager
def loaded_model(directory: str, trust: bool = False) -> Iterator[Predictor]:
    """Yields the Predictor of a model without checking the requirements; closes its session at the end.

    trust: as in `import_graph`. Raises UserError if the graph or the weights cannot be loaded.
    """
    graph = import_graph(os.path.join(directory, f"{MODEL_NAME}.meta"), trust)
    with restored_session(os.path.join(directory, MODEL_NAME), graph) as session:
        input_frames, joint_pos = graph.get_collection(COLLECTION)
        yield Predictor(session, input_frames, joint_pos, shared_nodes(graph))


@contextlib.contextmanager
def restored_session(weights: str, graph: tf.Graph, threads: int = 0) -> Iterator[tf.Session]:
    """Yields a session with the weights; raises the errors of `restore_weights`.

    threads: to compute with; 0 for one per core. A graph that asks for a GPU runs without one too.
    """
    config = session_config("float32")
    config.allow_soft_placement = True
    config.intra_op_parallelism_threads = config.inter_op_parallelism_threads = threads
    with tf.Session(graph=graph, config=config) as session:
        restore_weights(weights, graph, session)
        yield session


def import_graph(path: str, trust: bool = False) -> tf.Graph:
    """Reads the tf.Graph in the file `path`, pruned to what positions and weights need: see `pruning`.

    trust: accept all ops. Raises UserError if this TensorFlow cannot load it or if it has ops that no network needs.
    """
    return imported_graph(path, read_meta_graph(path), trust)


def imported_graph(path: str, meta_graph: tf.MetaGraphDef, trust: bool = False) -> tf.Graph:
    """As import_graph, with the MetaGraphDef that was read from `path`."""
    pruned = pruned_graph(meta_graph)
    if not trust:
        check_ops(path, pruned)
    graph = tf.Graph()
    try:
        with graph.as_default():
            saver = tf.train.import_meta_graph(pruned, clear_devices=True)
            graph.add_to_collection("savers_of_the_course", saver)
    except Exception as error:
        raise error_of_the_machine(error) or UserError(
            f"{path} cannot be loaded as a graph: {failure_cause(error)}; save the model again"
        ) from error
    return graph


def restore_weights(weights: str, graph: tf.Graph, session: tf.Session) -> None:
    """Restores the weights, a path as tf.train.Saver takes it.

    Raises UserError if they are damaged or do not fit the graph: MachineError or MemoryLimitError if the machine is at
    fault, and OSError if no temporary folder can be made.
    """
    [saver] = graph.get_collection("savers_of_the_course")
    if saver is None:
        raise UserError(f"{weights}: the graph has no Saver; save the model with tf.train.Saver().save")
    saver_def = saver.saver_def
    with _path_without_patterns(weights) as path:
        try:
            session.run(saver_def.restore_op_name, {saver_def.filename_tensor_name: path})
        except Exception as error:
            raise error_of_the_machine(error) or UserError(
                f"{weights}: the weights cannot be restored: {failure_cause(error)}; save them again"
            ) from error


@contextlib.contextmanager
def _path_without_patterns(weights: str) -> Iterator[str]:
    """Yields a path to the same files without characters that TensorFlow would interpret as a pattern."""
    if not PATTERN_CHARACTERS.intersection(PARTS_OF_FORMAT_V1.sub("", weights)):
        yield weights
        return
    folder, name = os.path.split(os.path.abspath(weights))
    stem = PARTS_OF_FORMAT_V1.sub("", name)
    with tempfile.TemporaryDirectory() as plain:
        for entry in os.scandir(folder):
            if entry.name.startswith(stem):
                os.symlink(entry.path, os.path.join(plain, MODEL_NAME + entry.name.removeprefix(stem)))
        yield os.path.join(plain, MODEL_NAME + name.removeprefix(stem))
