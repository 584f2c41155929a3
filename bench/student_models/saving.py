"""Saves a network as the assignment says, and edits the graph that was saved."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from pipeline.tensorflow_v1 import tf

NAME = "my_model"
MODEL_FILES = ("checkpoint", f"{NAME}.data-00000-of-00001", f"{NAME}.index", f"{NAME}.meta")

# Builds a network in the default graph.
Network = Callable[[], None]
# Makes a submission, a folder or a file, at the path, which does not exist yet. The weights depend on the seed.
Builder = Callable[[Path, int], None]


def save_network(folder: Path, network: Network, seed: int, name: str = NAME, **options: Any) -> None:
    """Builds the network in a separate graph and saves it in the folder, which is created if it does not exist.

    Leaves `checkpoint`, NAME.meta, NAME.index and NAME.data-00000-of-00001, with relative paths inside. seed: of all
    random numbers; the same seed gives the same weights. options: further ones of tf.train.Saver.
    """
    folder.mkdir(parents=True, exist_ok=True)
    # A graph that asks for a GPU is saved without one too.
    config = tf.ConfigProto(allow_soft_placement=True, intra_op_parallelism_threads=1, inter_op_parallelism_threads=1)
    with tf.Graph().as_default() as graph, tf.Session(graph=graph, config=config) as session:
        tf.set_random_seed(seed)
        network()
        session.run(tf.global_variables_initializer())
        tf.train.Saver(save_relative_paths=True, **options).save(session, str(folder / name))


def saved(network: Network) -> Builder:
    """The builder of a folder that holds the four files of this network and nothing else."""

    def build(path: Path, seed: int) -> None:
        save_network(path, network, seed)

    return build


def edit_graph(folder: Path, edit: Callable[[tf.MetaGraphDef], None]) -> None:
    """Changes the tf.MetaGraphDef in NAME.meta of the folder; nothing of it is run."""
    path = folder / f"{NAME}.meta"
    meta_graph = tf.MetaGraphDef.FromString(path.read_bytes())
    edit(meta_graph)
    path.write_bytes(meta_graph.SerializeToString())


def node_called(meta_graph: tf.MetaGraphDef, name: str) -> tf.NodeDef:
    """The tf.NodeDef of this name, to be changed in place. Raises StopIteration if there is none."""
    return next(node for node in meta_graph.graph_def.node if node.name == name)
