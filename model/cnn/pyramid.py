"""The CNN for people it has not seen: it finds points, at 16×16 places, with what 8×8 places know of the whole frame.

Down and up again, once and small, as in Newell et al., *Stacked Hourglass Networks for Human Pose Estimation*, ECCV
2016. Nearly all of it sees each frame by itself, so that overlapping sequences share it. Only the last step also sees what
moves, by comparing a frame's maps with those of its sequence: what moves is the person, and not what stands around.
"""

from __future__ import annotations

from typing import NamedTuple

from model.batch_normalization import normalized_convolution
from model.instance_normalization import instance_normalized_convolution
from model.layers import convolution, fully_connected, linear_maps, soft_argmax
from pipeline.joints import JOINT_NAMES
from pipeline.tensorflow_v1 import tf

FIRST_FILTERS = 24
FINE_FILTERS = 40
COARSE_FILTERS = 80
COARSE_CONVOLUTIONS = 4
NUM_POINTS = 64
NUM_FEATURES = 256
# Under a square root, whose slope has no end at zero.
SMALLEST_SPREAD = 1e-2


class FrameMaps(NamedTuple):
    """What a frame shows by itself: shape and appearance at 16×16 places, and a summary of the whole frame.

    found: float32 (F, 16, 16, 40). compared: float32 (F, 16, 16, 40), to compare with other frames. summary: (F, 80).
    """

    found: tf.Tensor
    compared: tf.Tensor
    summary: tf.Tensor


def pyramid_frame_maps(values, is_training):
    """float32 (F, 64, 64, 3), normalized → FrameMaps.

    is_training: whether the convolutions after the first two normalize over the batch, as they do in training, or have
    that folded into weights and bias.
    """
    convolve = normalized_convolution if is_training else convolution
    values = tf.nn.relu(instance_normalized_convolution("convolution_1", values, FIRST_FILTERS, size=5, stride=2))
    values = tf.nn.relu(instance_normalized_convolution("convolution_2", values, FINE_FILTERS, size=3, stride=2))
    fine = tf.nn.relu(convolve("fine_1", values, FINE_FILTERS, size=3))
    coarse = fine
    for number in range(COARSE_CONVOLUTIONS):
        stride = 2 if number == 0 else 1
        coarse = tf.nn.relu(convolve(f"coarse_{number + 1}", coarse, COARSE_FILTERS, size=3, stride=stride))
    summary = tf.reduce_mean(coarse, axis=[1, 2])
    coarse = convolve("from_coarse", coarse, FINE_FILTERS, size=1)
    fine = tf.nn.relu(fine + tf.image.resize_nearest_neighbor(coarse, fine.shape[1:3]))
    return FrameMaps(convolve("fine_2", fine, FINE_FILTERS, size=3), fine, summary)


def pyramid_sequence_features(maps, is_training):
    """FrameMaps of sequences, each (B, 10, ...) → float32 (B*10, 256), and points, float32 (B*10, 7, 2), -1 to 1 across
    the frame.

    The features are a fully connected layer on where 64 maps are high and on the summary. The first seven of the 64 are
    the points, one for each joint, for a loss of their own.
    """
    convolve = normalized_convolution if is_training else convolution
    average = tf.reduce_mean(maps.compared, axis=1)
    spread = tf.reduce_mean(tf.square(maps.compared - average[:, tf.newaxis]), axis=1)
    moves = tf.concat([average, tf.sqrt(spread + SMALLEST_SPREAD**2)], axis=3)
    fine = tf.nn.relu(maps.found + convolve("motion", moves, FINE_FILTERS, size=3)[:, tf.newaxis])
    fine = tf.reshape(fine, [-1, *fine.shape[2:]])
    # No bias: softmax takes no notice of one.
    maps_of_points = linear_maps("maps", fine, NUM_POINTS)
    points = soft_argmax(maps_of_points, fine.shape[1].value, fine.shape[2].value)
    summary = tf.reshape(maps.summary, [-1, maps.summary.shape[2].value])
    found = tf.concat([tf.reshape(points, [-1, 2 * NUM_POINTS]), summary], axis=1)
    return tf.nn.relu(fully_connected("fully_connected", found, NUM_FEATURES)), points[:, : len(JOINT_NAMES)]
