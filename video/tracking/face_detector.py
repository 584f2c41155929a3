"""Finds people by their faces, with the cascades that OpenCV's wheels contain up to release 4.

docs/EXPERIMENTS.md compares other detectors.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from video.tracking.person import Person

try:
    import cv2
    import cv2.data
except ImportError:
    HAS_OPENCV = False
else:
    # Release 5 has no cascades.
    HAS_OPENCV = hasattr(cv2, "CascadeClassifier")

FRONTAL, PROFILE = "haarcascade_frontalface_alt2.xml", "haarcascade_profileface.xml"
SMALLEST_FACE = 24  # pixels, slightly more than the cascades' own size
# Larger pictures are reduced before the search; smaller ones are enlarged until their shorter side has this length.
MAX_PIXELS = 1280 * 720
SHORTER_SIDE = 288
MAX_ENLARGEMENT = 4
FINE_ENLARGEMENT = 1.6  # of the second search, for smaller faces
# Ratio of successive window sizes: in a confirmation, and in a search of the whole picture.
FINE_STEP, COARSE_STEP = 1.1, 1.15

# A candidate from the whole picture is confirmed at another scale, at which its face has this width.
CONFIRMATION_WIDTH = 48  # pixels
CONFIRMATION_REACH = 1.0  # face widths on each side of its center
CONFIRMATION_RATIO = 1.5  # of the smallest and largest width to the expected one
MAX_SHIFT = 0.4  # face widths from the candidate
MAX_CANDIDATES = 6
# How many overlapping windows of both cascades together must look like a face; fewer near a confirmed person.
VOTES, VOTES_NEAR_PERSON = 12, 2
VOTES_OF_ONE_CASCADE = 16  # make the other cascade unnecessary

# Medians over YouTube Pose's 40 people: a detected face is 0.61 shoulder widths wide, and its center is 0.06 above
# the label of the head, which is 0.53 above the midpoint between the shoulders.
SHOULDER_WIDTH = 1 / 0.61  # face widths
FACE_ABOVE_SHOULDERS = 0.59  # shoulder widths
SEARCH_REACH = 1.5  # shoulder widths on each side of a tracked person's face


@dataclass(frozen=True)
class Face:
    """A detected face, in pixels."""

    x: float  # of its center
    y: float
    width: float
    votes: int  # overlapping windows that look like this face


class FaceDetector:
    """A Detector. Requires HAS_OPENCV."""

    def __init__(self) -> None:
        self._frontal, self._profile = (
            cv2.CascadeClassifier(cv2.data.haarcascades + name) for name in (FRONTAL, PROFILE)
        )

    def __call__(self, picture: np.ndarray, around: Person | None = None, is_confirmed: bool = True) -> list[Person]:
        """See Detector.__call__."""
        if around is not None:
            face_width = around.width / SHOULDER_WIDTH
            expected = Face(around.x, around.y - FACE_ABOVE_SHOULDERS * around.width, face_width, 0)
            near = self._faces_near(picture, expected, SEARCH_REACH * SHOULDER_WIDTH)
            return [_person(face) for face in near if face.votes >= (VOTES_NEAR_PERSON if is_confirmed else VOTES)]
        scale = _search_scale(*picture.shape[:2])
        grey = _scaled_grey(picture, scale)
        for cascade, is_mirrored in ((self._frontal, False), (self._profile, False), (self._profile, True)):
            candidates = _faces(cascade, grey, (SMALLEST_FACE, min(grey.shape)), COARSE_STEP, is_mirrored)
            people = self._confirmed(picture, candidates, scale)
            if people:
                return people
        scale *= FINE_ENLARGEMENT
        sizes = (SMALLEST_FACE, round(FINE_ENLARGEMENT * SMALLEST_FACE * COARSE_STEP))
        candidates = _faces(self._frontal, _scaled_grey(picture, scale), sizes, COARSE_STEP)
        return self._confirmed(picture, candidates, scale)

    def _confirmed(self, picture: np.ndarray, candidates: list[Face], scale: float) -> list[Person]:
        """The people whose faces are found at another scale too. scale: of the picture with the candidates."""
        people: list[Person] = []
        for candidate in sorted(candidates, key=lambda face: -face.votes)[:MAX_CANDIDATES]:
            x, y, width = (value / scale for value in (candidate.x, candidate.y, candidate.width))
            face = Face(x, y, width, candidate.votes)
            again = self._faces_near(picture, face, CONFIRMATION_REACH)
            near = [other for other in again if _is_near(other, face) and other.votes >= VOTES]
            if near:
                people.append(_person(max(near, key=lambda face: face.votes)))
        return people

    def _faces_near(self, picture: np.ndarray, face: Face, reach: float) -> list[Face]:
        """Faces of about the same size within `reach` face widths, with the votes of both cascades."""
        scale = CONFIRMATION_WIDTH / face.width
        height, width = picture.shape[:2]
        left, right = _clipped(face.x - reach * face.width, face.x + reach * face.width, width)
        top, bottom = _clipped(face.y - reach * face.width, face.y + reach * face.width, height)
        grey = _scaled_grey(picture[top:bottom, left:right], scale)
        sizes = (round(CONFIRMATION_WIDTH / CONFIRMATION_RATIO), round(CONFIRMATION_WIDTH * CONFIRMATION_RATIO))
        found = _faces(self._frontal, grey, sizes, FINE_STEP)
        if max((face.votes for face in found), default=0) < VOTES_OF_ONE_CASCADE:
            for is_mirrored in (False, True):
                found = _merged(found, _faces(self._profile, grey, sizes, FINE_STEP, is_mirrored))
        return [Face(left + face.x / scale, top + face.y / scale, face.width / scale, face.votes) for face in found]


def _merged(faces: list[Face], others: list[Face]) -> list[Face]:
    """All faces; the votes for the same face are added."""
    result = list(faces)
    for other in others:
        for number, face in enumerate(result):
            if _is_near(other, face):
                result[number] = replace(face, votes=face.votes + other.votes)
                break
        else:
            result.append(other)
    return result


def _is_near(face: Face, other: Face) -> bool:
    return math.hypot(face.x - other.x, face.y - other.y) <= MAX_SHIFT * other.width


def _faces(
    cascade: cv2.CascadeClassifier, grey: np.ndarray, sizes: tuple[int, int], step: float, is_mirrored: bool = False
) -> list[Face]:
    """The faces between two widths. is_mirrored: search the mirrored picture; positions still refer to `grey`."""
    searched = np.ascontiguousarray(grey[:, ::-1]) if is_mirrored else grey
    smallest, largest = sizes
    boxes, votes = cascade.detectMultiScale2(
        searched, scaleFactor=step, minNeighbors=1, minSize=(smallest, smallest), maxSize=(largest, largest)
    )
    faces = [
        Face(x + width / 2, y + height / 2, float(width), int(count))
        for (x, y, width, height), count in zip(boxes, votes, strict=True)
    ]
    return [replace(face, x=grey.shape[1] - face.x) for face in faces] if is_mirrored else faces


def _search_scale(height: int, width: int) -> float:
    """The factor by which a whole picture is enlarged for the search."""
    enlarged = min(max(1, SHORTER_SIDE / min(height, width)), MAX_ENLARGEMENT)
    return min(enlarged, math.sqrt(MAX_PIXELS / (height * width)))


def _scaled_grey(picture: np.ndarray, scale: float) -> np.ndarray:
    """The picture in grey, uint8, enlarged by this factor."""
    grey = cv2.cvtColor(np.ascontiguousarray(picture), cv2.COLOR_RGB2GRAY)
    size = (max(1, round(grey.shape[1] * scale)), max(1, round(grey.shape[0] * scale)))
    return cv2.resize(grey, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)


def _clipped(start: float, end: float, length: int) -> tuple[int, int]:
    """Clips a range to 0 to `length`; it keeps at least one pixel."""
    first = min(max(0, int(start)), length - 1)
    return first, min(max(first + 1, int(end)), length)


def _person(face: Face) -> Person:
    width = face.width * SHOULDER_WIDTH
    return Person(face.x, face.y + FACE_ABOVE_SHOULDERS * width, width)
