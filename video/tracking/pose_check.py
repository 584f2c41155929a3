"""Locates a person with the pose model itself, which also sees people from behind and is more precise than the face.

The model finds joints everywhere, so it predicts them in two crops some distance apart. If a person is there, both
predictions are the same place in the picture; if not, they move along with the crop.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from model.predictor import PosePredictor
from pipeline.joints import JOINT_NAMES
from pipeline.sequence_shape import FRAMES_PER_SEQUENCE
from video.crop import Crop, joints_in_picture
from video.tracking.person import HEAD_ABOVE_SHOULDERS, Person, crop_around, interpolate

# In shoulder widths: how far each crop is moved horizontally and vertically, and how far the answers may differ.
OFFSET = (0.35, 0.15)
MAX_DIFFERENCE = 0.2
# Shoulder width according to a model over the true one: the median of ten people who are not in its training data.
WIDTH_BY_MODEL = 0.83
# A person who is too large for the crop yields a small one inside the face. Smaller answers, relative to the width
# that the crop was made for, are discarded.
SMALLEST_ANSWER = 0.8
# People with small faces are larger than their faces suggest, by up to this factor.
SIZES = (1.0, 1.35)
# The shoulders of a person who turns are closer together, so the distance to the head also counts, at this weight.
HEAD_WEIGHT = 0.9

ScaleCrop = Callable[[Crop], np.ndarray]
# Called with a function that scales a crop of the picture to a frame, with the picture's height and width, and with an
# approximate position. Returns where the model sees the person; None if it sees no person there.
PoseCheck = Callable[[ScaleCrop, int, int, Person], Person | None]


def pose_check(predictor: PosePredictor) -> PoseCheck:
    """A PoseCheck by a model that sees each frame ten times in a row."""

    def check(scale: ScaleCrop, height: int, width: int, person: Person) -> Person | None:
        for size in SIZES:
            tried = person._replace(width=size * person.width)
            crops = [crop_around(_moved(tried, side), height, width) for side in (1, -1)]
            rows = np.repeat(np.arange(len(crops))[:, np.newaxis], FRAMES_PER_SEQUENCE, axis=1)
            answers = predictor.predict_block(np.stack([scale(crop) for crop in crops]), rows)
            # The middle frame of ten is the most precise.
            first, second = (
                _person(joints_in_picture(answer[FRAMES_PER_SEQUENCE // 2], crop))
                for answer, crop in zip(answers, crops, strict=True)
            )
            agree = np.hypot(first.x - second.x, first.y - second.y) <= MAX_DIFFERENCE * tried.width
            middle = interpolate(first, second, 0.5)
            if agree and middle.is_near(person) and middle.width >= SMALLEST_ANSWER * tried.width:
                return middle
        return None

    return check


def _moved(person: Person, side: int) -> Person:
    across, down = OFFSET
    return person._replace(x=person.x + side * across * person.width, y=person.y + side * down * person.width)


def _person(joints: np.ndarray) -> Person:
    """The Person with these joints, float32 (7, 2)."""
    head, right, left = (
        joints[JOINT_NAMES.index(name)].astype(np.float64) for name in ("head", "right shoulder", "left shoulder")
    )
    x, y = (right + left) / 2
    across = float(np.hypot(*(right - left)))
    above = float(np.hypot(head[0] - x, head[1] - y))
    width = max(across, HEAD_WEIGHT * above / HEAD_ABOVE_SHOULDERS, 1.0)
    return Person(float(x), float(y), width / WIDTH_BY_MODEL)
