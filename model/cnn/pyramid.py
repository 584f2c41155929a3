"""The CNN that generalizes to people it has not seen: a small hourglass that finds points by soft-argmax.

It goes down to 8×8 and back up to 16×16 positions once, as a module of Newell et al., *Stacked Hourglass Networks for
Human Pose Estimation*, ECCV 2016, does. Nearly all of it sees one frame at a time, so that overlapping sequences share
it. Only the last step also sees motion, by comparing the maps of a frame with those of its sequence: the person moves,
the background does not.
"""

from __future__ import annotations

from typing import NamedTuple

from model.instance_normalization import instance_normalized_convolution
from model.layers import Convolution, fully_connected, linear_maps, soft_argmax
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
    """What a frame shows alone: shape and appearance at 16×16 positions, and a summary of the whole frame.

    found: float32 (F, 16, 16, 48). compared: float32 (F, 16, 16, 48), to compare with other frames. summary: float32
    (F, 80).
    """

    found: tf.Tensor
    compared: tf.Tensor
    summary: tf.Tensor


def see_frames(values: tf.Tensor, convolve: Convolution) -> FrameMaps:
    """Normalized frames, float32 (F, 64, 64, 3) → FrameMaps.

    convolve: makes the convolutions after the first two, with batch normalization, as in training, or with that folded
    into their weights and bias.
    """
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


def see_sequences(frames: FrameMaps, convolve: Convolution) -> tuple[tf.Tensor, tf.Tensor]:
    """FrameMaps of sequences, each (B, 10, ...) → features and points.

    The features, float32 (B*10, 256), are a fully connected layer on the soft-argmax of 64 maps and on the summary. The
    points, float32 (B*10, 7, 2), -1 to 1 from edge to edge of the frame, are the first seven of the 64, one for each
    joint: they have a loss of their own. convolve: as for see_frames.
    """
    average = tf.reduce_mean(frames.compared, axis=1)
    spread = tf.reduce_mean(tf.square(frames.compared - average[:, tf.newaxis]), axis=1)
    moves = tf.concat([average, tf.sqrt(spread + SMALLEST_SPREAD**2)], axis=3)
    fine = tf.nn.relu(frames.found + convolve("motion", moves, FINE_FILTERS, size=3)[:, tf.newaxis])
    fine = tf.reshape(fine, [-1, *fine.shape[2:]])
    # No bias: softmax is invariant to one.
    maps = linear_maps("maps", fine, NUM_POINTS)
    points = soft_argmax(maps, fine.shape[1].value, fine.shape[2].value)
    summary = tf.reshape(frames.summary, [-1, frames.summary.shape[2].value])
    found = tf.concat([tf.reshape(points, [-1, 2 * NUM_POINTS]), summary], axis=1)
    return tf.nn.relu(fully_connected("fully_connected", found, NUM_FEATURES)), points[:, : len(JOINT_NAMES)]
