"""Models whose input, output or collection differs from the requirements."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from bench.student_models.networks import (
    collect,
    convolved,
    dense,
    dense_only,
    frames_placeholder,
    normalized,
    pixels,
    plain_network,
    positions_of,
)
from bench.student_models.saving import NAME, Builder, Network, edit_graph, node_called, save_network
from pipeline.tensorflow_v1 import tf


def batch_size_of_16() -> None:
    """The placeholder takes 16 sequences and no other number."""
    plain_network(frames_placeholder(batch_size=16))


def batch_size_of_32() -> None:
    """The placeholder takes 32 sequences and no other number."""
    plain_network(frames_placeholder(batch_size=32))


def lstm_for_16() -> None:
    """The placeholder takes any number of sequences, but the LSTM begins with a state of 16."""
    frames = frames_placeholder()
    cell = tf.nn.rnn_cell.BasicLSTMCell(8)
    hidden, _ = tf.nn.dynamic_rnn(cell, convolved(normalized(frames)), initial_state=cell.zero_state(16, tf.float32))
    collect(frames, positions_of(hidden))


def float_placeholder() -> None:
    """The placeholder is float32."""
    plain_network(frames_placeholder(dtype="float32"))


def placeholder_with_default() -> None:
    """The input has a default, a sequence of black frames."""
    frames = tf.placeholder_with_default(
        tf.zeros([1, 10, 64, 64, 3], tf.uint8), [None, 10, 64, 64, 3], name="input_frames"
    )
    plain_network(frames)


def pipeline_as_default() -> None:
    """The default of the input is what a tf.data pipeline gives."""
    data = tf.data.Dataset.from_tensors(tf.zeros([10, 64, 64, 3], tf.uint8)).repeat().batch(4)
    batch = tf.data.make_one_shot_iterator(data).get_next()
    plain_network(tf.placeholder_with_default(batch, [None, 10, 64, 64, 3], name="input_frames"))


def wrong_order() -> None:
    """joint_pos before input_frames in the collection."""
    dense_only()
    tf.get_collection_ref("validation_nodes").reverse()


def normalized_input_collected() -> None:
    """The collection contains truediv_1:0, the normalized frames, instead of the placeholder."""
    frames = frames_placeholder()
    input_frames = tf.cast(frames, tf.float32) / 255
    input_frames = (input_frames - 0.5) / 0.25
    tf.add_to_collection("validation_nodes", input_frames)
    joint_pos = tf.identity(positions_of(tf.tanh(dense(pixels(input_frames), "hidden", 12))), name="joint_pos")
    tf.add_to_collection("validation_nodes", joint_pos)


def no_collection() -> None:
    """No collection, but the two names are right."""
    dense_only()
    tf.get_default_graph().clear_collection("validation_nodes")


def no_collection_and_other_names() -> None:
    """No collection, and names that nobody could know: two placeholders of frames, and no joint_pos."""
    for name in ("left_view", "right_view"):
        frames = tf.placeholder(tf.uint8, [None, 10, 64, 64, 3], name=name)
    tf.identity(positions_of(tf.tanh(dense(pixels(normalized(frames)), "hidden", 12))), name="pose")


def three_in_collection() -> None:
    """The labels are in the collection too."""
    dense_only()
    tf.add_to_collection("validation_nodes", tf.placeholder(tf.float32, [None, 10, 7, 2], name="labels"))


def other_names() -> None:
    """The collection is right, but the tensors in it are called x and y."""
    frames = tf.placeholder(tf.uint8, [None, 10, 64, 64, 3], name="x")
    joint_pos = tf.identity(positions_of(tf.tanh(dense(pixels(normalized(frames)), "hidden", 12))), name="y")
    for tensor in (frames, joint_pos):
        tf.add_to_collection("validation_nodes", tensor)


def shaped(title: str, *shape: int) -> Network:
    """The network whose joint_pos is reshaped to this shape."""

    def build() -> None:
        plain_network(change_positions=lambda positions: tf.reshape(positions, shape))

    return build


def last_frame_alone() -> None:
    """joint_pos is (None, 7, 2): the pose in the last frame."""
    plain_network(change_positions=lambda positions: positions[:, -1])


def x_alone() -> None:
    """joint_pos is (None, 70): half of the numbers that are needed."""
    plain_network(change_positions=lambda positions: tf.reshape(positions[..., 0], [-1, 70]))


def first_sequence_alone() -> None:
    """joint_pos is (1, 10, 7, 2) whatever is fed."""
    plain_network(change_positions=lambda positions: positions[:1])


def double_precision() -> None:
    """joint_pos is float64."""
    plain_network(change_positions=lambda positions: tf.cast(positions, tf.float64))


def keep_prob_to_feed() -> None:
    """Needs keep_prob, which has no default."""
    keep_prob = tf.placeholder(tf.float32, name="keep_prob")
    plain_network(change_hidden=lambda hidden: tf.nn.dropout(hidden, rate=1 - keep_prob))


def is_training_to_feed() -> None:
    """Needs is_training, which has no default."""
    is_training = tf.placeholder(tf.bool, [], name="is_training")
    plain_network(change_hidden=lambda hidden: tf.cond(is_training, lambda: hidden * 2, lambda: hidden))


def iterator_to_feed() -> None:
    """Computes positions of what its tf.data pipeline gives, not of what is fed."""
    frames = frames_placeholder()
    data = tf.data.Dataset.from_tensors(tf.zeros([10, 64, 64, 3], tf.uint8)).repeat().batch(4)
    batch = tf.data.make_initializable_iterator(data).get_next()
    hidden = tf.tanh(dense(pixels(normalized(batch)), "hidden", 12))
    collect(frames, positions_of(hidden))


def shape_in_output_shapes_alone(path: Path, seed: int) -> None:
    """The placeholder's `shape` says nothing, as early TensorFlow 1 saved it; its `_output_shapes` says it all."""

    def edit(meta_graph: tf.MetaGraphDef) -> None:
        node = node_called(meta_graph, "input_frames")
        node.attr["_output_shapes"].list.ClearField("shape")
        node.attr["_output_shapes"].list.shape.add().CopyFrom(node.attr["shape"].shape)
        node.attr["shape"].shape.Clear()
        node.attr["shape"].shape.unknown_rank = True

    save_network(path, dense_only, seed)
    edit_graph(path, edit)


def collection_that_holds(name: str) -> Builder:
    """The builder of a model whose collection names this tensor, which does not exist, in place of joint_pos."""

    def build(path: Path, seed: int) -> None:
        save_network(path, dense_only, seed)
        edit_graph(path, rename)

    def rename(meta_graph: tf.MetaGraphDef) -> None:
        meta_graph.collection_def["validation_nodes"].node_list.value[1] = name

    return build


def lstm_of_cudnn(path: Path, seed: int) -> None:
    """An LSTM of cuDNN, which only GPUs compute. Its weights are drawn without computing it."""

    def network(recurrent: Callable[[tf.Tensor, tf.Tensor], tf.Tensor]) -> None:
        frames = frames_placeholder()
        parameters = tf.get_variable("parameters", [4 * (192 * 8 + 8 * 8 + 2 * 8)])
        hidden = recurrent(tf.transpose(pixels(normalized(frames)), [1, 0, 2]), parameters)
        collect(frames, positions_of(tf.transpose(tf.ensure_shape(hidden, [10, None, 8]), [1, 0, 2])))

    def computed(values: tf.Tensor, parameters: tf.Tensor) -> tf.Tensor:
        state = tf.zeros([1, tf.shape(values)[1], 8])
        return tf.raw_ops.CudnnRNN(
            input=values, input_h=state, input_c=state, params=parameters, rnn_mode="lstm", is_training=False
        ).output

    save_network(path, lambda: network(lambda values, _: values[..., :8]), seed)
    with tf.Graph().as_default():
        network(computed)
        tf.train.Saver(save_relative_paths=True).export_meta_graph(str(path / f"{NAME}.meta"))
