"""Networks that meet the requirements, as students write them: small and untrained, so that they are built quickly.

Each predicts the mean pose of the course's data, changed a little by the frames.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable

from pipeline.tensorflow_v1 import tf

# x and y in pixels, in the order of the data's joints.
MEAN_POSE = [[31.6, 16.8], [25.8, 35.4], [37.5, 37.4], [23.3, 36.1], [39.4, 36.6], [26.3, 24.8], [36.7, 25.0]]
LEAST_DEVIATION = 1e-3

ChangeTensor = Callable[[tf.Tensor], tf.Tensor]


def frames_placeholder(batch_size: int | None = None, dtype: str = "uint8") -> tf.Tensor:
    """The placeholder that the assignment requires: (batch_size, 10, 64, 64, 3)."""
    return tf.placeholder(dtype, [batch_size, 10, 64, 64, 3], name="input_frames")


def normalized(frames: tf.Tensor) -> tf.Tensor:
    """Each frame minus its mean, over its deviation: (B, 10, 64, 64, 3) → float32 of the same shape."""
    values = tf.cast(frames, tf.float32)
    mean, variance = tf.nn.moments(values, axes=[2, 3, 4], keepdims=True)
    return (values - mean) / tf.maximum(tf.sqrt(variance), LEAST_DEVIATION)


def pixels(values: tf.Tensor) -> tf.Tensor:
    """Every eighth pixel of each frame: (B, 10, 64, 64, 3) → (B, 10, 192)."""
    return tf.reshape(values[:, :, ::8, ::8], [-1, 10, 192])


def convolved(values: tf.Tensor) -> tf.Tensor:
    """A convolution and a pool of each frame: float32 (B, 10, 64, 64, 3) → (B, 10, 64)."""
    filters = tf.get_variable("filters", [5, 5, 3, 4], initializer=tf.glorot_normal_initializer())
    maps = tf.nn.relu(tf.nn.conv2d(tf.reshape(values, [-1, 64, 64, 3]), filters, strides=8, padding="SAME"))
    return tf.reshape(tf.nn.max_pool(maps, 2, 2, "SAME"), [-1, 10, 64])


def dense(values: tf.Tensor, name: str, units: int) -> tf.Tensor:
    """A matmul over the last axis: float32 (B, 10, inputs) → (B, 10, units)."""
    inputs = values.shape[2].value
    weights = tf.get_variable(name, [inputs, units], initializer=tf.glorot_normal_initializer())
    return tf.reshape(tf.matmul(tf.reshape(values, [-1, inputs]), weights), [-1, 10, units])


def positions_of(hidden: tf.Tensor) -> tf.Tensor:
    """The mean pose and what the hidden values add: float32 (B, 10, units) → (B, 10, 7, 2), pixels."""
    return MEAN_POSE + tf.reshape(dense(hidden, "positions", 14), [-1, 10, 7, 2])


def collect(frames: tf.Tensor, positions: tf.Tensor) -> None:
    """Names the positions joint_pos, and adds both tensors to the collection that the assignment requires."""
    for tensor in (frames, tf.identity(positions, name="joint_pos")):
        tf.add_to_collection("validation_nodes", tensor)


def unchanged(tensor: tf.Tensor) -> tf.Tensor:
    """The tensor itself."""
    return tensor


def plain_network(
    frames: tf.Tensor | None = None,
    normalize: ChangeTensor = normalized,
    change_hidden: ChangeTensor = unchanged,
    change_positions: ChangeTensor = unchanged,
    units: int = 12,
) -> None:
    """Two dense layers; each argument changes one thing about it. frames: the input; None for the required one."""
    frames = frames_placeholder() if frames is None else frames
    hidden = change_hidden(tf.tanh(dense(pixels(normalize(frames)), "hidden", units)))
    collect(frames, change_positions(positions_of(hidden)))


def dense_only() -> None:
    """Two dense layers on the pixels."""
    plain_network()


def convolution_and_basic_lstm() -> None:
    """A convolution, then BasicLSTMCell under dynamic_rnn."""
    frames = frames_placeholder()
    cell = tf.nn.rnn_cell.BasicLSTMCell(8)
    hidden, _ = tf.nn.dynamic_rnn(cell, convolved(normalized(frames)), dtype=tf.float32)
    collect(frames, positions_of(hidden))


def convolution_and_static_rnn() -> None:
    """A convolution, then LSTMCell under static_rnn, whose graph holds each of the ten steps."""
    frames = frames_placeholder()
    steps = tf.unstack(convolved(normalized(frames)), axis=1)
    hidden, _ = tf.nn.static_rnn(tf.nn.rnn_cell.LSTMCell(8), steps, dtype=tf.float32)
    collect(frames, positions_of(tf.stack(hidden, axis=1)))


def stacked_lstms() -> None:
    """Two LSTMs in a MultiRNNCell under dynamic_rnn."""
    frames = frames_placeholder()
    cell = tf.nn.rnn_cell.MultiRNNCell([tf.nn.rnn_cell.LSTMCell(6) for _ in range(2)])
    hidden, _ = tf.nn.dynamic_rnn(cell, pixels(normalized(frames)), dtype=tf.float32)
    collect(frames, positions_of(hidden))


def dropout_with_default() -> None:
    """Dropout whose keep_prob is a placeholder with the default 1, so that nobody has to feed it."""
    keep_prob = tf.placeholder_with_default(1.0, [], name="keep_prob")
    plain_network(change_hidden=lambda hidden: tf.nn.dropout(hidden, rate=1 - keep_prob))


def batch_norm_for_inference() -> None:
    """Batch normalization that uses the averages stored with the weights."""
    plain_network(change_hidden=lambda hidden: batch_normalized(hidden, training=False))


def batch_normalized(values: tf.Tensor, training: bool) -> tf.Tensor:
    """tf.layers.batch_normalization over the last axis of a float32 tensor."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return tf.layers.batch_normalization(values, training=training)


def with_training_graph() -> None:
    """A graph that still holds what it was trained with: an input pipeline, loss, Adam and summaries."""
    plain_network()
    [_, positions] = tf.get_collection("validation_nodes")
    labels = tf.py_func(lambda: 0.0, [], tf.float32, name="load_labels")
    loss = tf.reduce_mean(tf.square(positions - labels))
    tf.train.AdamOptimizer(1e-3).minimize(loss, global_step=tf.train.get_or_create_global_step())
    tf.summary.scalar("loss", loss)


def on_a_gpu() -> None:
    """A graph that is pinned to a GPU."""
    with tf.device("/gpu:0"):
        convolution_and_basic_lstm()
