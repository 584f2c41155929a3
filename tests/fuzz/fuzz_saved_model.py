"""Fuzzes what reads a saved model: the graph's messages, the table of the weights with right checksums, and the names.

A model must either be examined or refused with a UserError. Up to TensorFlow's import of the graph this is checked in
this process; a changed `.index` or `.data`, and a few of the other inputs, go to a sandboxed process, which may crash.
"""

import contextlib
import os
import random
import struct
import tempfile
import zlib
from pathlib import Path
from typing import NoReturn

import atheris
import numpy as np

with atheris.instrument_imports(include=["model.export"]):
    from model.export import contract
    from model.export.graph import InferenceGraph, load_weights
    from model.export.pruning import check_ops, pruned_graph
    from model.export.saved_model import save_model
    from pipeline.tensorflow_v1 import tf
    from support.sandbox.limits import Limits
    from support.user_error import MachineError, MemoryLimitError, UserError

# Not instrumented: each sandboxed process imports this file again, and atheris would print a line.
from model.sandboxed.sandboxed_model import sandboxed_model
from tests.fuzz.checkpoint_index import changed_table
from tests.fuzz.fuzzer import fuzz
from tests.fuzz.protobuf_changes import change_message

LIMITS = Limits(seconds=10, megabytes=1500, threads=1)
HEAD = struct.Struct("<HI")
Files = list[tuple[str, bytes]]  # names and contents
SANDBOXED_OF = 2000
NAMES = ["my_model.meta", "my_model.index", "my_model.data-00000-of-00001", "checkpoint"]
NAMES += ["model.ckpt-7.meta", "model.ckpt-7.index", "model.ckpt-7.data-00000-of-00001", "my_model.data-00001-of-00002"]
NAMES += [".meta", "inner/my_model.meta", "inner/my_model.index", "my_model.zip", "a[b].meta", "\udcff.meta"]
TEXTS = ["Placeholder", "ReadFile", "Const", "RestoreV2", "While", "StatefulPartitionedCall", "IteratorV2", "Identity"]
TEXTS += ["", ":", "^", "a:b:c", "^joint_pos", "joint_pos:7", "input_frames:0", "validation_nodes", "\0", "dtype", "/"]
TEXTS += ["_output_shapes", "shape", "value", "_class", "save/restore_all", "save/Const:0", "frame_rows", "loop:0"]


def write_corpus(folder: Path) -> None:
    """Also starts the process that the sandboxed ones are forked from, before the time for an input counts."""
    inference = _small_graph()
    with tempfile.TemporaryDirectory() as parent, tf.Session(graph=inference.graph) as session:
        model = Path(parent, "model")
        load_weights(inference, session, {"weights": np.ones((3, 14), np.float32)})
        save_model(str(model), inference, session)
        with sandboxed_model(str(model), limits=LIMITS) as opened:
            assert opened.predictor is not None and not opened.breaches  # A model that is refused has little to change.
        files = [(path.name, path.read_bytes()) for path in sorted(model.iterdir())]
    for name in ("graph", "weights"):
        (folder / name).write_bytes(_packed(name == "weights", files))


def _small_graph() -> InferenceGraph:
    """A dense layer on each frame's mean colour, with a loop, a function and the nodes that frames share."""
    graph = tf.Graph()
    with graph.as_default():
        frames = tf.placeholder(tf.uint8, [None, 10, 64, 64, 3], "input_frames")
        features = tf.reshape(tf.reduce_mean(tf.cast(frames, tf.float32), [2, 3]), [-1, 3], name="frame_features")
        rows = tf.reshape(tf.range(tf.shape(features)[0]), [-1, 10], name="frame_rows")
        weights = tf.get_variable("weights", [3, 14])
        positions = tf.matmul(tf.reshape(tf.gather(features, rows), [-1, 3]), weights)
        positions = tf.while_loop(lambda n, _: n < 2, lambda n, p: (n + 1, p + 1), (0, positions))[1]
        positions = tf.function(lambda values: values / 2)(positions)
        joint_pos = tf.identity(tf.reshape(positions, [-1, 10, 7, 2]), "joint_pos")
        tf.add_to_collection("validation_nodes", frames)
        tf.add_to_collection("validation_nodes", joint_pos)
        saver = tf.train.Saver(save_relative_paths=True)
    return InferenceGraph(graph, frames, None, joint_pos, {"weights": weights}, saver)


def _packed(is_sandboxed: bool, files: Files) -> bytes:
    """An input: whether it goes to the sandboxed process, and each file's name and contents."""
    packed = bytes([is_sandboxed])
    for name, contents in files:
        encoded = name.encode(errors="surrogateescape")
        packed += HEAD.pack(len(encoded), len(contents)) + encoded + contents
    return packed


def _unpacked(packed: bytes) -> tuple[bool, Files]:
    files: Files = []
    place = 1
    while place + HEAD.size <= len(packed):
        of_name, of_contents = HEAD.unpack_from(packed, place)
        place += HEAD.size
        name = packed[place : place + of_name].decode(errors="surrogateescape")
        place += of_name
        files.append((name, packed[place : place + of_contents]))
        place += of_contents
    return packed[:1] == b"\1", [(name, contents) for name, contents in files if name in NAMES]


def change_file(packed: bytes, largest_input: int, seed: int) -> bytes:
    """Changes the contents of one file, or which files there are and what they are called."""
    drawn = random.Random(seed)
    is_sandboxed, files = _unpacked(packed)
    if not files:
        return packed
    # A sandboxed process takes as long as a hundred checks in this one.
    [place] = drawn.choices(range(len(files)), [1 if _is_of_weights(name) else 100 for name, _ in files])
    name, contents = files[place]
    is_sandboxed = is_sandboxed and drawn.random() < 0.02
    choice = drawn.random()
    if choice < 0.1:
        files[place] = (drawn.choice(NAMES), contents)
    elif choice < 0.15:
        del files[place]
    elif choice < 0.2:
        files.append((drawn.choice(NAMES), contents))
    else:
        files[place] = (name, _changed(name, contents, largest_input, drawn))
        is_sandboxed = is_sandboxed or _is_of_weights(name)
    changed = _packed(is_sandboxed, files)
    return changed if len(changed) <= largest_input else packed


def _is_of_weights(name: str) -> bool:
    return name.endswith(".index") or ".data-" in name


def _changed(name: str, contents: bytes, largest_input: int, drawn: random.Random) -> bytes:
    if name.endswith(".meta") and drawn.random() < 0.9:
        return _changed_graph(contents, drawn)
    if name.endswith(".index") and drawn.random() < 0.9:
        return changed_table(contents, drawn)
    if name == "checkpoint" and drawn.random() < 0.5:
        lines = [b'model_checkpoint_path: "%b"', b'all_model_checkpoint_paths: "%b"', b"%b"]
        paths = [b"my_model", b"/tmp/my_model", b"C:\\my_model", b"../my_model", b"model.ckpt-7", b"a/", b"", b"\xff\0"]
        return b"\n".join(drawn.choice(lines) % drawn.choice(paths) for _ in range(drawn.randint(0, 8)))
    return atheris.Mutate(contents, min(largest_input, len(contents) + 100)) if contents else b"\0"


def _changed_graph(contents: bytes, drawn: random.Random) -> bytes:
    meta_graph = tf.MetaGraphDef()
    try:
        meta_graph.ParseFromString(contents)
    except Exception:
        return contents
    for _ in range(drawn.randint(1, 3)):
        change_message(meta_graph, drawn, TEXTS)
    try:
        return meta_graph.SerializeToString()
    except Exception:
        return contents


def _not_imported(path: str, meta_graph: tf.MetaGraphDef, trust: bool = False) -> NoReturn:
    check_ops(path, pruned_graph(meta_graph))
    raise UserError("the import is left to the sandboxed process")


def _raise(error: BaseException) -> NoReturn:
    raise error


def check(packed: bytes) -> None:
    is_sandboxed, files = _unpacked(packed)
    with tempfile.TemporaryDirectory(dir="/dev/shm" if os.path.isdir("/dev/shm") else None) as folder:
        os.mkdir(os.path.join(folder, "inner"))
        for name, contents in files:
            Path(folder, name).write_bytes(contents)
        # These say that the machine cannot examine the model; texts in a changed graph may be taken for its errors.
        with contextlib.suppress(MachineError, MemoryLimitError), contract.examined_model(folder) as examined:
            assert all(isinstance(line, str) for line in examined.breaches + examined.warnings)
        if is_sandboxed or zlib.crc32(packed) % SANDBOXED_OF == 0:
            _check_sandboxed(folder)


def _check_sandboxed(folder: str) -> None:
    try:
        with sandboxed_model(folder, limits=LIMITS) as opened:
            if opened.predictor is not None:
                opened.predictor.predict(np.zeros((1, 10, 64, 64, 3), np.uint8))
            else:
                assert opened.breaches
    except UserError as error:
        # A process that neither answers nor crashes has ended by an exception.
        assert folder in str(error) and "ended without an answer" not in str(error), error


if __name__ == "__main__":
    # Before the import of the graph, every exception but a UserError is a failure. The sandboxed process, which imports
    # this file under another name, does import graphs.
    contract.imported_graph, contract.failure_cause = _not_imported, _raise
    fuzz(check, write_corpus, largest_input=200_000, megabytes=3000, custom_mutator=change_file)
