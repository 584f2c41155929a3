"""Models that can be loaded, with answers that a teaching assistant has to hear about."""

from __future__ import annotations

from bench.student_models.networks import (
    MEAN_POSE,
    batch_normalized,
    collect,
    dense,
    frames_placeholder,
    normalized,
    pixels,
    plain_network,
)
from pipeline.tensorflow_v1 import tf

# Right and left change places, the head stays.
OTHER_SIDE = [0, 2, 1, 4, 3, 6, 5]


def nan_on_one_colour() -> None:
    """Divides by the deviation of the frame, which is 0 if the frame has one colour."""

    def divided_by_deviation(frames: tf.Tensor) -> tf.Tensor:
        values = tf.cast(frames, tf.float32)
        mean, variance = tf.nn.moments(values, axes=[2, 3, 4], keepdims=True)
        return (values - mean) / tf.sqrt(variance)

    plain_network(normalize=divided_by_deviation)


def diverged() -> None:
    """Weights that training left as NaN, so that all answers are NaN."""
    bias = tf.get_variable("bias", [14], initializer=tf.constant_initializer(float("nan")))
    plain_network(change_positions=lambda positions: positions + tf.reshape(bias, [7, 2]))


def batch_norm_in_training_mode() -> None:
    """Batch normalization over whatever is in the batch."""
    plain_network(change_hidden=lambda hidden: batch_normalized(hidden * 3, training=True))


def dropout_left_on() -> None:
    """Dropout with a constant rate, so that no two runs give the same answers."""
    plain_network(change_hidden=lambda hidden: tf.nn.dropout(hidden, rate=0.5))


def mean_pose_always() -> None:
    """The mean pose, whatever the frames show."""
    frames = frames_placeholder()
    pose = tf.get_variable("pose", initializer=tf.constant(MEAN_POSE))
    collect(frames, tf.tile(tf.reshape(pose, [1, 1, 7, 2]), [tf.shape(frames)[0], 10, 1, 1]))


def x_and_y_swapped() -> None:
    """y before x."""
    plain_network(change_positions=lambda positions: positions[..., ::-1])


def left_and_right_swapped() -> None:
    """Left and right joints are swapped."""
    plain_network(change_positions=lambda positions: tf.gather(positions, OTHER_SIDE, axis=2))


def not_in_pixels() -> None:
    """Positions from 0 to 1 in place of pixels."""
    plain_network(change_positions=lambda positions: positions / 64)


def minus_the_batch_mean() -> None:
    """Subtracts the mean of the batch, so that each answer depends on the other sequences."""
    frames = frames_placeholder()
    values = normalized(frames)
    hidden = tf.tanh(dense(pixels(values - tf.reduce_mean(values, axis=0, keepdims=True)), "hidden", 12))
    collect(frames, MEAN_POSE + 5 * tf.reshape(dense(hidden, "positions", 14), [-1, 10, 7, 2]))
