"""Pictures that end just below the shoulders, as a telephone's do: no network has learned to see people so.

The training pictures go on for at least 1.16 shoulder widths below the shoulders. Of shorter ones a network makes a
small person inside the face. The detector's person is closer to the truth, and the arms are known to be outside.
"""

from __future__ import annotations

import numpy as np

from pipeline.joints import JOINT_NAMES
from video.tracking.upper_body import UpperBody

LEAST_BELOW = 1.0  # shoulder widths
HEAD_ABOVE = 0.53  # shoulder widths, the median of YouTube Pose's 40 people


def ends_below_shoulders(person: UpperBody, height: int) -> bool:
    """Whether a picture of this height shows too little of a person for a network."""
    return height - person.y < LEAST_BELOW * person.width


def head_and_shoulders(person: UpperBody) -> np.ndarray:
    """Joints, float32 (7, 2), in pixels of the picture; NaN for elbows and wrists. The person faces the camera."""
    x, y, width = person
    known = {
        "head": (x, y - HEAD_ABOVE * width),
        "right shoulder": (x - width / 2, y),
        "left shoulder": (x + width / 2, y),
    }
    return np.array([known.get(joint, (np.nan, np.nan)) for joint in JOINT_NAMES], np.float32)
