"""The movements of the demo's people: the joints of a person in every frame of a video."""

from __future__ import annotations

import numpy as np

FRAME_SIZE = 64
# In shoulder widths, as in real videos.
UPPER_ARM, FOREARM, NECK_TO_HEAD = 1.05, 0.85, 0.85
REACH = 0.5 + UPPER_ARM + FOREARM


def move_person(random: np.random.Generator, frames: int) -> tuple[float, np.ndarray]:
    """The joints of a person who faces the camera, sways and moves both arms.

    Returns the person's shoulder width in pixels, and joints, float64 (frames, 7, 2), x and y in pixels, in the order
    of JOINT_NAMES. Right is the person's right, which is on the left of the picture.
    """
    size = random.uniform(8, 14)
    room = max(0, FRAME_SIZE / 2 - 0.9 * REACH * size)
    chest = np.stack(
        [
            FRAME_SIZE / 2 + random.uniform(-room, room) + size * _swing(random, frames, -0.1, 0.1),
            1.5 * size + random.uniform(1, 14) + size * _swing(random, frames, -0.05, 0.05),
        ],
        axis=1,
    )
    tilt = _swing(random, frames, -6, 6)
    half_width = size / 2 * _swing(random, frames, 0.85, 1)
    head = chest + NECK_TO_HEAD * size * _direction(180 + tilt + _swing(random, frames, -8, 8))
    right = _arm(random, frames, size, chest - half_width[:, None] * _direction(90 - tilt), -1)
    left = _arm(random, frames, size, chest + half_width[:, None] * _direction(90 - tilt), 1)
    wrists_elbows_shoulders = [joint for pair in zip(right, left, strict=True) for joint in pair]
    return size, np.stack([head, *wrists_elbows_shoulders], axis=1)


def _arm(
    random: np.random.Generator, frames: int, size: float, shoulder: np.ndarray, outwards: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Wrist, elbow and shoulder, each (frames, 2). outwards: the sign of x that points away from the body."""
    raised = _swing(random, frames, random.uniform(-5, 20), random.uniform(25, 100))
    bent = _swing(random, frames, random.uniform(-30, 110), random.uniform(110, 160))
    towards_camera = _swing(random, frames, 0.75, 1)
    elbow = shoulder + UPPER_ARM * size * _direction(outwards * raised)
    wrist = elbow + FOREARM * size * towards_camera[:, None] * _direction(outwards * (raised - bent))
    return wrist, elbow, shoulder


def _swing(random: np.random.Generator, frames: int, low: float, high: float) -> np.ndarray:
    """A smooth motion between the bounds, (frames,): a slow and a faster oscillation, each of random phase."""
    time = np.arange(frames)
    share = random.uniform(0.6, 0.9)
    slow = np.sin(2 * np.pi * (time / random.uniform(20, 50) + random.uniform()))
    fast = np.sin(2 * np.pi * (time / random.uniform(9, 18) + random.uniform()))
    return (low + high) / 2 + (high - low) / 2 * (share * slow + (1 - share) * fast)


def _direction(degrees: np.ndarray) -> np.ndarray:
    """Unit vectors (frames, 2) at these angles: 0 points down in the picture, 90 to the right, 180 up."""
    angles = np.radians(degrees)
    return np.stack([np.sin(angles), np.cos(angles)], axis=1)
