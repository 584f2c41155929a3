"""The CNN that generalizes to new people: a small hourglass that finds points by soft-argmax.

It goes down to 8×8 positions and back up to 16×16 once, like a module of Newell et al., *Stacked Hourglass Networks for
Human Pose Estimation*, ECCV 2016. Nearly all of it computes features of single frames. Only the last step sees motion:
it compares the feature maps of a frame with those of the whole sequence, since the person moves and the background does
not.
"""

from __future__ import annotations

from typing import NamedTuple

from model.layers import Convolution, fully_connected, instance_normalized_convolution, linear_maps, soft_argmax
from pipeline.joints import JOINT_NAMES
from pipeline.tensorflow_v1 import tf

FIRST_FILTERS = 24
FINE_FILTERS = 48
COARSE_FILTERS = 80
COARSE_CONVOLUTIONS = 4
NUM_POINTS = 64
NUM_FEATURES = 256
# Added under the square root, whose slope is infinite at zero.
SMALLEST_SPREAD = 1e-2


class FrameMaps(NamedTuple):
    """The features of single frames."""

    found: tf.Tensor  # float32 (F, 16, 16, 48): shape and appearance
    compared: tf.Tensor  # float32 (F, 16, 16, 48): to compare with other frames
    summary: tf.Tensor  # float32 (F, 80): of the whole frame


def frame_features(frames: tf.Tensor, convolve: Convolution) -> FrameMaps:
    """Normalized frames, float32 (F, 64, 64, 3) → FrameMaps.

    convolve: creates the convolutions after the first two: with batch normalization in training, with the normalization
    folded into weights and bias in the exported graph.
    """
    values = tf.nn.relu(instance_normalized_convolution("convolution_1", frames, FIRST_FILTERS, size=5, stride=2))
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


def sequence_features(features: FrameMaps, convolve: Convolution) -> tuple[tf.Tensor, tf.Tensor]:
    """FrameMaps of sequences, each (B, 10, ...) → the LSTM's input and points.

    The input, float32 (B*10, 256), is a fully connected layer on the soft-argmax of 64 maps and on the summary. The
    points, float32 (B*10, 7, 2) from -1 to 1 across the frame, are the first seven of the 64, one per joint; they have
    their own loss. convolve: as for frame_features.
    """
    average = tf.reduce_mean(features.compared, axis=1)
    spread = tf.reduce_mean(tf.square(features.compared - average[:, tf.newaxis]), axis=1)
    motion = tf.concat([average, tf.sqrt(spread + SMALLEST_SPREAD**2)], axis=3)
    fine = tf.nn.relu(features.found + convolve("motion", motion, FINE_FILTERS, size=3)[:, tf.newaxis])
    fine = tf.reshape(fine, [-1, *fine.shape[2:]])
    # Without a bias, to which a softmax is invariant.
    maps = linear_maps("maps", fine, NUM_POINTS)
    points = soft_argmax(maps, fine.shape[1].value, fine.shape[2].value)
    summary = tf.reshape(features.summary, [-1, features.summary.shape[2].value])
    found = tf.concat([tf.reshape(points, [-1, 2 * NUM_POINTS]), summary], axis=1)
    return tf.nn.relu(fully_connected("fully_connected", found, NUM_FEATURES)), points[:, : len(JOINT_NAMES)]
