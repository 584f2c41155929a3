"""A model that meets the contract but is not built by this project: plain TensorFlow 1, without a CNN and an LSTM."""

import os

from pipeline.tensorflow_v1 import tf


def save_foreign_model(folder, build):
    """Calls `build` in a new graph and saves it in a new folder as "my_model", as the assignment says."""
    os.mkdir(folder)
    before = os.getcwd()
    with tf.Graph().as_default(), tf.Session() as session:
        build()
        session.run(tf.global_variables_initializer())
        os.chdir(folder)
        try:
            tf.train.Saver().save(session, "my_model")
        finally:
            os.chdir(before)
    return folder


def foreign_network(
    input_dtype=tf.uint8,
    input_shape=(None, 10, 64, 64, 3),
    input_name="input_frames",
    make_input=tf.placeholder,
    normalize=lambda values: (values - 127) / 64,
    change_positions=lambda positions: positions,
    output_name="joint_pos",
    collected=("input_frames:0", "joint_pos:0"),
):
    """Builds a network of two dense layers; each argument changes one property."""
    input_frames = make_input(dtype=input_dtype, shape=input_shape, name=input_name)
    values = normalize(tf.reshape(tf.cast(input_frames, tf.float32), [-1, 10, 64 * 64 * 3]))
    hidden = tf.tanh(dense(values[:, :, ::97], "hidden", 12))
    tf.identity(change_positions(positions_of(hidden)), name=output_name)
    for name in collected:
        tf.add_to_collection("validation_nodes", tf.get_default_graph().get_tensor_by_name(name))


def positions_of(hidden):
    """float32 (B, 10, units) → (B, 10, 7, 2)."""
    return tf.reshape(32 + 10 * dense(hidden, "positions", 14), [-1, 10, 7, 2])


def dense(values, name, units):
    """A matmul over the last axis of float32 (B, 10, inputs)."""
    weights = tf.get_variable(name, [values.shape[2].value, units], initializer=tf.glorot_normal_initializer(seed=1))
    return tf.reshape(tf.matmul(tf.reshape(values, [-1, values.shape[2].value]), weights), [-1, 10, units])
