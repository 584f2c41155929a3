"""Models that were trained and saved by TensorFlow 2 in which only eager execution was disabled.

Conditions and loops are then functions, and the gradients of training add outputs to them. Keras decides by its
learning phase, a placeholder with the default False, whether a layer drops out values or normalizes by the batch.
"""

from __future__ import annotations

import warnings
from pathlib import Path

from bench.student_models.networks import (
    collect,
    frames_placeholder,
    normalized,
    pixels,
    positions_of,
)
from bench.student_models.saving import Builder, Network, save_network
from pipeline.tensorflow_v1 import tf


def saved_by_tensorflow_2(network: Network) -> Builder:
    """The builder of a model with this network, and with what trains it."""

    def trained() -> None:
        network()
        [_, positions] = tf.get_collection("validation_nodes")
        labels = tf.placeholder(tf.float32, [None, 10, 7, 2], name="labels")
        tf.train.AdamOptimizer(1e-3).minimize(tf.reduce_mean(tf.square(positions - labels)))

    def build(path: Path, seed: int) -> None:
        tf.enable_control_flow_v2()
        tf.enable_resource_variables()
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                save_network(path, trained, seed)
        finally:
            tf.disable_control_flow_v2()
            tf.disable_resource_variables()

    return build


def keras_dropout() -> None:
    """Dropout in Keras's learning phase, between two dense layers."""
    frames, layers = frames_placeholder(), tf.compat.v2.keras.layers
    hidden = layers.Dense(12, activation="tanh")(pixels(normalized(frames)))
    collect(frames, positions_of(layers.Dropout(0.5)(hidden)))


def keras_batch_norm() -> None:
    """Convolutions of Keras with batch normalization in its learning phase, in a model of each frame."""
    frames, layers = frames_placeholder(), tf.compat.v2.keras.layers
    convolutional = tf.compat.v2.keras.Sequential(
        [
            layers.Conv2D(4, 5, strides=8, padding="same"),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.SpatialDropout2D(0.5),
            layers.MaxPooling2D(2),
            layers.Flatten(),
        ]
    )
    collect(frames, positions_of(layers.TimeDistributed(convolutional)(normalized(frames))))


def keras_lstm() -> None:
    """An LSTM and a GRU of Keras with dropout."""
    frames, layers = frames_placeholder(), tf.compat.v2.keras.layers
    hidden = layers.LSTM(6, return_sequences=True)(pixels(normalized(frames)))
    hidden = layers.Bidirectional(layers.GRU(6, return_sequences=True, dropout=0.5))(hidden)
    collect(frames, positions_of(hidden))


def layers_with_a_flag() -> None:
    """tf.layers whose flag is a placeholder with the default False."""
    frames = frames_placeholder()
    is_training = tf.placeholder_with_default(False, [], name="is_training")
    hidden = tf.layers.dense(pixels(normalized(frames)), 12, tf.tanh)
    hidden = tf.layers.batch_normalization(hidden, training=is_training)
    collect(frames, positions_of(tf.layers.dropout(hidden, 0.5, training=is_training)))
