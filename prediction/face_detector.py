"""Finds people by their faces, with the cascades that OpenCV's wheels carry up to release 4.

docs/PREDICT.md compares other detectors. The cascade for upper bodies finds fewer people than that for faces, with more
false alarms; and OpenCV's detector YuNet, like MediaPipe's, comes without its weights.
"""

from __future__ import annotations

import math

import numpy as np

from prediction.upper_body import UpperBody

try:
    import cv2
    import cv2.data
except ImportError:
    HAS_OPENCV = False
else:
    # Release 5 has none.
    HAS_OPENCV = hasattr(cv2, "CascadeClassifier")

FRONTAL, PROFILE = "haarcascade_frontalface_alt2.xml", "haarcascade_profileface.xml"
SMALLEST_FACE = 24  # pixels, the cascades' own size
# Larger pictures are reduced to so many pixels before they are searched. Of smaller ones, the shorter side is enlarged.
MOST_PIXELS = 1280 * 720
LEAST_SIDE = 288
LARGEST_ENLARGEMENT = 4
STEP_OF_SIZES = 1.1
# How many overlapping windows must look like a face. Two are enough around a person who is known; elsewhere, two would
# be enough for parts of bicycles.
VOTES, VOTES_AROUND = 4, 2

# Medians over YouTube Pose's 40 people: a face that is found is 0.61 shoulder widths wide, and its middle is 0.06 above
# the label of the head, which is 0.53 above the middle between the shoulders.
SHOULDERS_IN_FACES = 1 / 0.61
CHEST_BELOW_FACE = 0.59  # shoulder widths
AREA_AROUND = 1.5  # shoulder widths from the face to each side
RATIO_AROUND = 1.5


class FaceDetector:
    """A Detector. Only where HAS_OPENCV."""

    def __init__(self) -> None:
        self._frontal, self._profile = (
            cv2.CascadeClassifier(cv2.data.haarcascades + name) for name in (FRONTAL, PROFILE)
        )

    def __call__(self, picture: np.ndarray, around: UpperBody | None = None) -> list[UpperBody]:
        """As Detector.__call__."""
        grey, (left, top), scale = _searched_part(picture, around)
        smallest, largest, votes = SMALLEST_FACE, min(grey.shape), VOTES
        if around is not None:
            face = around.width * scale / SHOULDERS_IN_FACES
            smallest, largest = max(smallest, int(face / RATIO_AROUND)), int(face * RATIO_AROUND) + 1
            votes = VOTES_AROUND
        faces = self._faces(grey, smallest, largest, votes)
        return [_body(x / scale + left, y / scale + top, width / scale) for x, y, width in faces]

    def _faces(self, grey: np.ndarray, smallest: int, largest: int, votes: int) -> list[tuple[float, float, float]]:
        """x and y of the middle of each face, and its width: those from the front, else those from the side."""
        boxes = _seen(self._frontal, grey, smallest, largest, votes)
        if not boxes:
            # It knows left profiles only.
            mirrored = _seen(self._profile, np.ascontiguousarray(grey[:, ::-1]), smallest, largest, votes)
            boxes = [(grey.shape[1] - x - width, y, width, height) for x, y, width, height in mirrored]
            boxes.extend(_seen(self._profile, grey, smallest, largest, votes))
        return [(x + width / 2, y + height / 2, float(width)) for x, y, width, height in boxes]


def _seen(
    cascade: cv2.CascadeClassifier, grey: np.ndarray, smallest: int, largest: int, votes: int
) -> list[tuple[int, int, int, int]]:
    """x, y, width and height of what a cascade finds, of widths between the given ones."""
    found = cascade.detectMultiScale(
        grey,
        scaleFactor=STEP_OF_SIZES,
        minNeighbors=votes,
        minSize=(smallest, smallest),
        maxSize=(largest, largest),
    )
    return [(int(x), int(y), int(width), int(height)) for x, y, width, height in found]


def _searched_part(picture: np.ndarray, around: UpperBody | None) -> tuple[np.ndarray, tuple[int, int], float]:
    """In grey, uint8; its upper left corner in the picture; and how many of its pixels one of the picture's is long."""
    height, width = picture.shape[:2]
    enlarged = min(max(1, LEAST_SIDE / min(height, width)), LARGEST_ENLARGEMENT)
    scale = min(enlarged, math.sqrt(MOST_PIXELS / (height * width)))
    left = top = 0
    if around is not None:
        reach, face_y = AREA_AROUND * around.width, around.y - CHEST_BELOW_FACE * around.width
        left, right = _inside(around.x - reach, around.x + reach, width)
        top, bottom = _inside(face_y - reach, face_y + reach, height)
        picture = picture[top:bottom, left:right]
    grey = cv2.cvtColor(np.ascontiguousarray(picture), cv2.COLOR_RGB2GRAY)
    if scale != 1:
        method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
        size = (max(1, round(grey.shape[1] * scale)), max(1, round(grey.shape[0] * scale)))
        grey = cv2.resize(grey, size, interpolation=method)
    return grey, (left, top), scale


def _inside(start: float, end: float, length: int) -> tuple[int, int]:
    """A range of at least one of `length` pixels."""
    first = min(max(0, int(start)), length - 1)
    return first, min(max(first + 1, int(end)), length)


def _body(x: float, y: float, face_width: float) -> UpperBody:
    width = face_width * SHOULDERS_IN_FACES
    return UpperBody(x, y + CHEST_BELOW_FACE * width, width)
