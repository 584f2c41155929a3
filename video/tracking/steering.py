"""Where a person is according to the model itself, which sees them from behind too, and shoulders better than a face.

On ten people whom a model had not seen, the middle between the shoulders is 0.12 shoulder widths off in the median by
the model and 0.18 by the face. A model sees joints everywhere, so it is asked twice, of two boxes that lie apart: where
somebody is, both answers are the same place in the picture; where nobody is, they move along with the box.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from model.predictor import PosePredictor
from pipeline.joints import JOINT_NAMES
from pipeline.sequence_shape import FRAMES_PER_SEQUENCE
from video.crop import Crop, joints_in_picture
from video.tracking.upper_body import UpperBody, between, crop_around

# In shoulder widths: how far each box lies to one side and up or down, and how far the answers may then be apart.
APART = (0.35, 0.15)
FARTHEST_ANSWERS = 0.2
# The widths by the model are so much too small in the median over ten people whom it had not seen.
SHARE_OF_WIDTH = 0.83
# Of a person who is too large for the box, a model makes a small one inside the face.
SMALLEST_ANSWER = 0.8  # of the width that the box was made for
# Who has a small face is larger than it tells, by these ratios.
SIZES = (1.0, 1.35)
# From the head's label to the middle between the shoulders: the median of YouTube Pose's 40 people. Who turns has
# shoulders that lie closer together, so the larger one of the two measures is taken.
HEAD_ABOVE = 0.53  # shoulder widths
SHARE_OF_HEAD = 0.9

Scaled = Callable[[Crop], np.ndarray]
# Corrects where a person is in a picture of a height and width; None where the model does not know.
Steering = Callable[[Scaled, int, int, UpperBody], UpperBody | None]


def steering_of(predictor: PosePredictor) -> Steering:
    """A Steering by a model that sees each frame ten times over."""

    def steered(scaled: Scaled, height: int, width: int, body: UpperBody) -> UpperBody | None:
        for size in SIZES:
            tried = body._replace(width=size * body.width)
            crops = [crop_around(_moved(tried, side), height, width) for side in (1, -1)]
            rows = np.repeat(np.arange(len(crops))[:, np.newaxis], FRAMES_PER_SEQUENCE, axis=1)
            answers = predictor.predict_block(np.stack([scaled(crop) for crop in crops]), rows)
            # The middle one of the ten: both ends of a sequence know less.
            first, second = (
                _body(joints_in_picture(answer[FRAMES_PER_SEQUENCE // 2], crop))
                for answer, crop in zip(answers, crops, strict=True)
            )
            agree = np.hypot(first.x - second.x, first.y - second.y) <= FARTHEST_ANSWERS * tried.width
            middle = between(first, second, 0.5)
            if agree and middle.is_near(body) and middle.width >= SMALLEST_ANSWER * tried.width:
                return middle
        return None

    return steered


def _moved(body: UpperBody, side: int) -> UpperBody:
    across, down = APART
    return body._replace(x=body.x + side * across * body.width, y=body.y + side * down * body.width)


def _body(joints: np.ndarray) -> UpperBody:
    """joints: float32 (7, 2), in pixels of the picture."""
    head, right, left = (
        joints[JOINT_NAMES.index(name)].astype(np.float64) for name in ("head", "right shoulder", "left shoulder")
    )
    x, y = (right + left) / 2
    across = float(np.hypot(*(right - left)))
    above = float(np.hypot(head[0] - x, head[1] - y))
    width = max(across, SHARE_OF_HEAD * above / HEAD_ABOVE, 1.0)
    return UpperBody(float(x), float(y), width / SHARE_OF_WIDTH)
