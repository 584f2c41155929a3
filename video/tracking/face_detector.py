"""Finds people by their faces, with the cascades that OpenCV's wheels carry up to release 4.

docs/PREDICT.md compares other detectors. The cascade for upper bodies finds fewer people than that for faces, with more
false alarms; and OpenCV's detector YuNet, like MediaPipe's, comes without its weights.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from video.tracking.upper_body import UpperBody

try:
    import cv2
    import cv2.data
except ImportError:
    HAS_OPENCV = False
else:
    # Release 5 has none.
    HAS_OPENCV = hasattr(cv2, "CascadeClassifier")

FRONTAL, PROFILE = "haarcascade_frontalface_alt2.xml", "haarcascade_profileface.xml"
SMALLEST_FACE = 24  # pixels, little more than the cascades' own size
# Larger pictures are reduced to so many pixels before they are searched. Of smaller ones, the shorter side is enlarged.
MOST_PIXELS = 1280 * 720
LEAST_SIDE = 288
LARGEST_ENLARGEMENT = 4
FINE_ENLARGEMENT = 1.6
STEP_OF_SIZES, STEP_OF_SEARCH = 1.1, 1.15

# What a search of a whole picture finds is looked at again, scaled so that its face is so wide.
FACE_LOOKED_AT = 48  # pixels
REACH = 1.0  # face widths to each side of its middle
RATIO = 1.5
LONGEST_MOVE = 0.4  # face widths from where it was found
MOST_CANDIDATES = 6
# How many overlapping windows of both cascades together must look like a face. Fewer are enough around a known person.
VOTES, VOTES_AROUND = 12, 4
MANY_VOTES = 16  # of one cascade: the other need not be asked

# Medians over YouTube Pose's 40 people: a face that is found is 0.61 shoulder widths wide, and its middle is 0.06 above
# the label of the head, which is 0.53 above the middle between the shoulders.
SHOULDERS_IN_FACES = 1 / 0.61
CHEST_BELOW_FACE = 0.59  # shoulder widths
AREA_AROUND = 1.5  # shoulder widths from the face to each side


class Face(NamedTuple):
    """x, y: its middle. votes: how many overlapping windows look like it. All else in pixels."""

    x: float
    y: float
    width: float
    votes: int


class FaceDetector:
    """A Detector. Only where HAS_OPENCV."""

    def __init__(self) -> None:
        self._frontal, self._profile = (
            cv2.CascadeClassifier(cv2.data.haarcascades + name) for name in (FRONTAL, PROFILE)
        )

    def __call__(self, picture: np.ndarray, around: UpperBody | None = None, is_sure: bool = True) -> list[UpperBody]:
        """As Detector.__call__."""
        if around is not None:
            width = around.width / SHOULDERS_IN_FACES
            face = Face(around.x, around.y - CHEST_BELOW_FACE * around.width, width, 0)
            near = self._looked_at(picture, face, AREA_AROUND * SHOULDERS_IN_FACES)
            return [_body(face) for face in near if face.votes >= (VOTES_AROUND if is_sure else VOTES)]
        scale = _scale(*picture.shape[:2])
        grey = _scaled(picture, scale)
        for cascade, is_mirrored in ((self._frontal, False), (self._profile, False), (self._profile, True)):
            found = self._confirmed(
                picture, _seen(cascade, grey, (SMALLEST_FACE, min(grey.shape)), STEP_OF_SEARCH, is_mirrored), scale
            )
            if found:
                return found
        scale *= FINE_ENLARGEMENT
        smallest = (SMALLEST_FACE, round(FINE_ENLARGEMENT * SMALLEST_FACE * STEP_OF_SEARCH))
        return self._confirmed(picture, _seen(self._frontal, _scaled(picture, scale), smallest, STEP_OF_SEARCH), scale)

    def _confirmed(self, picture: np.ndarray, candidates: list[Face], scale: float) -> list[UpperBody]:
        """The people whose faces look like faces at another size too. scale: the candidates' pixels in one."""
        confirmed: list[Face] = []
        for x, y, width, votes in sorted(candidates, key=lambda face: -face.votes)[:MOST_CANDIDATES]:
            face = Face(x / scale, y / scale, width / scale, votes)
            again = self._looked_at(picture, face, REACH)
            near = [other for other in again if _is_near(other, face, LONGEST_MOVE) and other.votes >= VOTES]
            confirmed.extend(sorted(near, key=lambda face: -face.votes)[:1])
        return [_body(face) for face in confirmed]

    def _looked_at(self, picture: np.ndarray, face: Face, reach: float) -> list[Face]:
        """The faces of about the same size within `reach` face widths, with the votes of both cascades."""
        scale = FACE_LOOKED_AT / face.width
        height, width = picture.shape[:2]
        left, right = _inside(face.x - reach * face.width, face.x + reach * face.width, width)
        top, bottom = _inside(face.y - reach * face.width, face.y + reach * face.width, height)
        grey = _scaled(picture[top:bottom, left:right], scale)
        sizes = (round(FACE_LOOKED_AT / RATIO), round(FACE_LOOKED_AT * RATIO))
        found = _seen(self._frontal, grey, sizes, STEP_OF_SIZES)
        if max((face.votes for face in found), default=0) < MANY_VOTES:
            for is_mirrored in (False, True):
                found = _added(found, _seen(self._profile, grey, sizes, STEP_OF_SIZES, is_mirrored))
        return [Face(left + x / scale, top + y / scale, width / scale, votes) for x, y, width, votes in found]


def _added(faces: list[Face], others: list[Face]) -> list[Face]:
    """Both, the votes for one and the same face together."""
    result = list(faces)
    for other in others:
        for number, face in enumerate(result):
            if _is_near(other, face, LONGEST_MOVE):
                result[number] = face._replace(votes=face.votes + other.votes)
                break
        else:
            result.append(other)
    return result


def _is_near(face: Face, other: Face, most: float) -> bool:
    return math.hypot(face.x - other.x, face.y - other.y) <= most * other.width


def _seen(
    cascade: cv2.CascadeClassifier, grey: np.ndarray, sizes: tuple[int, int], step: float, is_mirrored: bool = False
) -> list[Face]:
    """What a cascade finds between two widths; in the mirrored picture, but with places in the picture itself."""
    searched = np.ascontiguousarray(grey[:, ::-1]) if is_mirrored else grey
    smallest, largest = sizes
    boxes, votes = cascade.detectMultiScale2(
        searched, scaleFactor=step, minNeighbors=1, minSize=(smallest, smallest), maxSize=(largest, largest)
    )
    faces = [
        Face(x + width / 2, y + height / 2, float(width), int(count))
        for (x, y, width, height), count in zip(boxes, votes, strict=True)
    ]
    return [face._replace(x=grey.shape[1] - face.x) for face in faces] if is_mirrored else faces


def _scale(height: int, width: int) -> float:
    """How many pixels one of the picture's is long where a whole picture is searched."""
    enlarged = min(max(1, LEAST_SIDE / min(height, width)), LARGEST_ENLARGEMENT)
    return min(enlarged, math.sqrt(MOST_PIXELS / (height * width)))


def _scaled(picture: np.ndarray, scale: float) -> np.ndarray:
    """In grey, uint8."""
    grey = cv2.cvtColor(np.ascontiguousarray(picture), cv2.COLOR_RGB2GRAY)
    size = (max(1, round(grey.shape[1] * scale)), max(1, round(grey.shape[0] * scale)))
    return cv2.resize(grey, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)


def _inside(start: float, end: float, length: int) -> tuple[int, int]:
    """A range of at least one of `length` pixels."""
    first = min(max(0, int(start)), length - 1)
    return first, min(max(first + 1, int(end)), length)


def _body(face: Face) -> UpperBody:
    width = face.width * SHOULDERS_IN_FACES
    return UpperBody(face.x, face.y + CHEST_BELOW_FACE * width, width)
