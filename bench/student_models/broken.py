"""Models whose files are damaged, or do not fit together."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from bench.student_models.networks import collect, dense_only, frames_placeholder, normalized, pixels, plain_network
from bench.student_models.saving import MODEL_FILES, Builder, Network, edit_graph, node_called, save_network
from pipeline.tensorflow_v1 import tf

DATA, INDEX, META = MODEL_FILES[1:]


def with_weights_of(other: Network) -> Builder:
    """The builder of the graph of dense_only with the weights of another network."""

    def build(path: Path, seed: int) -> None:
        save_network(path, dense_only, seed)
        with tempfile.TemporaryDirectory() as temporary:
            save_network(Path(temporary), other, seed)
            for name in (DATA, INDEX):
                shutil.copy(Path(temporary) / name, path)

    return build


def without_last_layer() -> None:
    """The variables of dense_only but for the last layer's."""
    frames = frames_placeholder()
    weights = tf.get_variable("hidden", [192, 12], initializer=tf.glorot_normal_initializer())
    collect(frames, tf.tensordot(pixels(normalized(frames)), weights, 1))


def wider() -> None:
    """The variables of dense_only, with more hidden units."""
    plain_network(units=20)


def cut_short(name: str) -> Builder:
    """The builder of a model one of whose files was uploaded by half."""

    def build(path: Path, seed: int) -> None:
        save_network(path, dense_only, seed)
        file = path / name
        file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])

    return build


def without_file(name: str) -> Builder:
    """The builder of a model that lacks one of the four files."""

    def build(path: Path, seed: int) -> None:
        save_network(path, dense_only, seed)
        (path / name).unlink()

    return build


def flipped_bit(path: Path, seed: int) -> None:
    """One bit of the weights is wrong, which their checksum shows."""
    save_network(path, dense_only, seed)
    data = path / DATA
    contents = bytearray(data.read_bytes())
    contents[len(contents) // 2] ^= 1
    data.write_bytes(contents)


def text_for_a_graph(path: Path, seed: int) -> None:
    """A web page that says the download failed, saved as the graph."""
    save_network(path, dense_only, seed)
    (path / META).write_text("<!doctype html><title>403 Forbidden</title>\n")


def unknown_op(path: Path, seed: int) -> None:
    """An op that no TensorFlow has in place of the last Identity."""

    def edit(meta_graph: tf.MetaGraphDef) -> None:
        node_called(meta_graph, "joint_pos").op = "FlashPoseV9"

    save_network(path, dense_only, seed)
    edit_graph(path, edit)


def unknown_attribute(path: Path, seed: int) -> None:
    """An op with an attribute that this TensorFlow does not know, as a newer one saves it, which does not matter."""

    def edit(meta_graph: tf.MetaGraphDef) -> None:
        node_called(meta_graph, "MatMul").attr["grad_z"].b = True

    save_network(path, dense_only, seed)
    edit_graph(path, edit)


def node_that_is_missing(path: Path, seed: int) -> None:
    """An op reads from a node that is not in the graph."""

    def edit(meta_graph: tf.MetaGraphDef) -> None:
        node_called(meta_graph, "joint_pos").input[0] = "removed_layer"

    save_network(path, dense_only, seed)
    edit_graph(path, edit)
