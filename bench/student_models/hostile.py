"""Malicious models, which must be rejected or run under limits."""

from __future__ import annotations

from pathlib import Path

from bench.student_models.networks import collect, dense_only, frames_placeholder, normalized, pixels, plain_network
from bench.student_models.saving import NAME, edit_graph, node_called, save_network
from pipeline.tensorflow_v1 import tf

# The model writes it into the folder that it is run in: it must not be there after grading.
WRITTEN_FILE = "written_by_a_submission.txt"
CLAIMED_NUMBERS = 1 << 36


def python_function() -> None:
    """Calls a Python function, which is not saved with the graph."""
    plain_network(change_positions=lambda positions: tf.py_func(lambda values: values, [positions], tf.float32))


def file_reader() -> None:
    """Reads a file of the machine that it runs on."""

    def add_length(positions: tf.Tensor) -> tf.Tensor:
        contents = tf.io.read_file("/etc/hostname")
        return positions + tf.cast(tf.strings.length(contents), tf.float32)

    plain_network(change_positions=add_length)


def file_writer() -> None:
    """Writes WRITTEN_FILE when it runs."""

    def write_first(positions: tf.Tensor) -> tf.Tensor:
        with tf.control_dependencies([tf.io.write_file(WRITTEN_FILE, "A submission was run.\n")]):
            return tf.identity(positions)

    plain_network(change_positions=write_first)


def printer() -> None:
    """Prints a line when it runs, which looks like one of the command's."""
    plain_network(change_positions=lambda positions: tf.Print(positions, [], "graded: 100 points"))


def abort() -> None:
    """Ends the process when it runs."""

    def abort_first(positions: tf.Tensor) -> tf.Tensor:
        with tf.control_dependencies([tf.raw_ops.Abort(error_msg="", exit_without_error=True)]):
            return tf.identity(positions)

    plain_network(change_positions=abort_first)


def endless_loop() -> None:
    """A loop whose counter never counts."""

    def loop(positions: tf.Tensor) -> tf.Tensor:
        def body(step: tf.Tensor, values: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            return step * 0.5, values + 1e-6

        return tf.while_loop(lambda step, _: step < 1, body, [tf.zeros([]), positions])[1]

    plain_network(change_positions=loop)


def memory_at_once() -> None:
    """Asks for half a terabyte for each sequence; TensorFlow waits ten seconds for it before it gives up."""

    def fill(positions: tf.Tensor) -> tf.Tensor:
        sequences = tf.cast(tf.shape(positions)[:1], tf.int64)
        values = tf.fill(tf.concat([sequences, [1 << 17, 1 << 20]], axis=0), positions[0, 0, 0, 0])
        return positions + tf.reduce_mean(values)

    plain_network(change_positions=fill)


def memory_little_by_little() -> None:
    """Doubles a tensor until the memory is full."""

    def double(positions: tf.Tensor) -> tf.Tensor:
        def body(step: tf.Tensor, values: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            return step + 1, tf.concat([values, values + 1], axis=0)

        start = [tf.constant(0), tf.reshape(positions, [-1])]
        shapes = [tf.TensorShape([]), tf.TensorShape([None])]
        _, values = tf.while_loop(lambda step, _: step < 40, body, start, shape_invariants=shapes)
        return positions + tf.reduce_mean(values)

    plain_network(change_positions=double)


def huge_constant(path: Path, seed: int) -> None:
    """A constant of a few bytes that claims 256 GiB."""

    def network() -> None:
        constant = tf.constant([0.0], name="huge")
        plain_network(change_positions=lambda positions: positions + tf.reduce_sum(constant))

    def edit(meta_graph: tf.MetaGraphDef) -> None:
        node = node_called(meta_graph, "huge")
        node.attr["value"].tensor.tensor_shape.dim[0].size = CLAIMED_NUMBERS
        del node.attr["_output_shapes"]

    save_network(path, network, seed)
    edit_graph(path, edit)


def endless_recursion(path: Path, seed: int) -> None:
    """A function that calls itself, which can take TensorFlow's whole stack."""

    def network() -> None:
        @tf.function(autograph=False, input_signature=[tf.TensorSpec([None, 10, 7, 2], tf.float32)])
        def call_itself(values: tf.Tensor) -> tf.Tensor:
            return tf.identity(values, name="inner_call")

        frames = frames_placeholder()
        weights = tf.get_variable("weights", [192, 140], initializer=tf.glorot_normal_initializer())
        positions = tf.reshape(tf.matmul(pixels(normalized(frames))[:, 0], weights), [-1, 10, 7, 2])
        collect(frames, call_itself(positions))

    save_network(path, network, seed)
    edit_graph(path, _call_itself)


def _call_itself(meta_graph: tf.MetaGraphDef) -> None:
    [function] = meta_graph.graph_def.library.function
    inner = next(node for node in function.node_def if node.name == "inner_call")
    inner.op = "PartitionedCall"
    inner.attr.clear()
    inner.attr["Tin"].list.type.append(tf.float32.as_datatype_enum)
    inner.attr["Tout"].list.type.append(tf.float32.as_datatype_enum)
    inner.attr["f"].func.name = function.signature.name


def link_to_a_file_elsewhere(path: Path, seed: int) -> None:
    """The weights are a link to a file of the machine."""
    save_network(path, dense_only, seed)
    data = path / f"{NAME}.data-00000-of-00001"
    data.unlink()
    data.symlink_to("/etc/hostname")


def link_to_a_folder_elsewhere(path: Path, seed: int) -> None:
    """A link to the folder of all submissions, where the model of a friend would be found."""
    path.mkdir()
    (path / "model").symlink_to("..", target_is_directory=True)
