"""Views of a frame: itself, its mirror image, and both enlarged, whose predictions an exported model averages.

A network that was trained on mirrored and scaled frames errs otherwise on each, and the average errs less.
"""

from typing import Callable, NamedTuple

from pipeline.joints import MIRRORED_JOINTS
from pipeline.sequence_shape import FRAME_SHAPE
from pipeline.tensorflow_v1 import tf

HEIGHT, WIDTH, _ = FRAME_SHAPE
# Pixels that an enlarged view leaves out at each edge: 54 of 64 remain, at 1.19 times their size.
MARGIN = 5


class View(NamedTuple):
    """frames: a function from frames, float32 (F, 64, 64, 3), to what is seen of them, of the same shape. positions: one
    from positions in that, float32 (B, 10, 7, 2), pixels, to those in the frames themselves."""

    frames: Callable
    positions: Callable


def make_views(mirrored, enlarged):
    """The Views to average: the frames as they are and, each if it is asked for, what else there is."""
    views = [View(tf.identity, tf.identity)]
    if enlarged:
        views.append(View(_enlarge, _positions_of_enlarged))
    if mirrored:
        views += [_mirrored(view) for view in views]
    return views


def _mirrored(view):
    def positions(seen):
        exchanged = tf.gather(view.positions(seen), MIRRORED_JOINTS, axis=2)
        return exchanged * (-1.0, 1.0) + (float(WIDTH), 0.0)

    return View(lambda frames: tf.reverse(view.frames(frames), axis=[2]), positions)


def _enlarge(frames):
    middle = frames[:, MARGIN : HEIGHT - MARGIN, MARGIN : WIDTH - MARGIN]
    return tf.image.resize_bilinear(middle, [HEIGHT, WIDTH], half_pixel_centers=True)


def _positions_of_enlarged(seen):
    return seen * ((WIDTH - 2 * MARGIN) / WIDTH, (HEIGHT - 2 * MARGIN) / HEIGHT) + float(MARGIN)
