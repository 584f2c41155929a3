"""Says why nobody was found in a video, and which crop may help.

A few frames are searched again, more closely than there is time for in all frames: brightened if they are dark,
enlarged part by part, and turned. If nobody is found in this way either, the part that moves is suggested.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
from PIL import Image

from pipeline.sources.scaled_pictures import area_average
from video.crop import Crop
from video.files.media import Frame
from video.tracking.face_detector import SHOULDER_WIDTH
from video.tracking.person import CROP_HEIGHT, CROP_WIDTH, Detector, Person, crop_around, median_person
from video.tracking.views import in_original, with_square_pixels

SAMPLES = 4  # frames that are searched again
SMALLEST_FACE = 18  # pixels, in a picture 720 high
DARK, BRIGHTENED = 50, 110  # mean values, of 255
PART, DISTANCE = 0.6, 0.4  # size of a part and distance between two, as shares of the picture's sides
ENLARGEMENT = 2
CELLS = (36, 64)  # of the search for movement
LEAST_MOVEMENT, SHARE_OF_MOVEMENT = 6.0, 0.3  # standard deviation in time, of 255; and as a share of the largest
LARGEST_MOVEMENT = 0.8  # share of the picture's sides; more is a movement of the camera
# A standing person, in shares of their height.
SHOULDERS_BELOW_TOP, SHOULDERS_ACROSS = 0.18, 0.23
STANDING = 1.3  # height / width of what moves


class Explanation(NamedTuple):
    """Why nobody was found."""

    reason: str
    crop: Crop | None = None  # that may help, in pixels of the picture
    quarter_turns: int = 0  # counterclockwise, that would turn the pictures upright


def explain_nobody(frames: Iterable[Frame], count: int, detector: Detector) -> Explanation:
    """The likely reason why the detector found nobody in these frames. count: their number."""
    sampled = list(itertools.islice(frames, count // SAMPLES // 2, None, max(1, count // SAMPLES)))
    pictures = [with_square_pixels(frame) for frame in sampled]
    pictures = [picture for picture in pictures if picture.shape == pictures[0].shape]
    explanation = _explained(pictures, detector)
    if explanation.crop is None:
        return explanation
    # Whole pixels of the original, inside it.
    height, width = sampled[0].picture.shape[:2]
    x, y, across, down = in_original(explanation.crop, sampled[0].pixel_aspect)
    left, top = min(max(0, x), width - 1), min(max(0, y), height - 1)
    right, bottom = min(width, x + across), min(height, y + down)
    return explanation._replace(crop=Crop(left, top, max(1, right - left), max(1, bottom - top)))


def _explained(pictures: Sequence[np.ndarray], detector: Detector) -> Explanation:
    """The reason for pictures of equal size, uint8 (height, width, 3); the crop may extend beyond them."""
    height, width = pictures[0].shape[:2]
    brightness = float(np.mean([picture.mean() for picture in pictures]))
    dark = ""
    if brightness < DARK:
        dark = f"the pictures are dark, {brightness:.0f} of 255 on average"
        pictures = [_brightened(picture) for picture in pictures]
        if person := _agreed([detector(picture) for picture in pictures]):
            return Explanation(dark, crop_around(person, height, width))
    if person := _agreed([list(_people_in_parts(picture, detector)) for picture in pictures]):
        face = person.width / SHOULDER_WIDTH
        small = f"the face is only about {face:.0f} pixels wide, and {SMALLEST_FACE} or more are needed"
        return Explanation(dark or small, crop_around(person, height, width))
    for turns in (1, 2, 3):
        if _agreed([detector(np.rot90(picture, turns)) for picture in pictures]):
            return Explanation(f"the pictures are {'upside down' if turns == 2 else 'turned by 90°'}", None, turns)
    unseen = "perhaps the person is seen from behind or from the side, or the face is smaller than 18 pixels or covered"
    return Explanation(dark or unseen, _crop_of_movement(pictures))


def _agreed(found: Sequence[list[Person]]) -> Person | None:
    """The person who is found in most pictures, but in at least two, if there are two."""
    everybody = [person for people in found for person in people]
    near = [[other for other in everybody if other.is_near(person)] for person in everybody]
    most = max(near, key=len, default=[])
    return median_person(most) if most and len(most) >= min(2, len(found)) else None


def _people_in_parts(picture: np.ndarray, detector: Detector) -> Iterator[Person]:
    """The people with small faces in overlapping, enlarged parts of a picture, searched for others before."""
    height, width = (round(PART * side) for side in picture.shape[:2])
    for down, across in itertools.product((0, 1), (0, 1)):
        top, left = (round(DISTANCE * place * side) for place, side in zip((down, across), picture.shape, strict=False))
        part = Image.fromarray(picture[top : top + height, left : left + width])
        enlarged = part.resize((ENLARGEMENT * part.width, ENLARGEMENT * part.height), Image.Resampling.BICUBIC)
        for x, y, size in detector(np.asarray(enlarged)):
            if size / ENLARGEMENT < SMALLEST_FACE * SHOULDER_WIDTH:
                yield Person(left + x / ENLARGEMENT, top + y / ENLARGEMENT, size / ENLARGEMENT)


def _brightened(picture: np.ndarray) -> np.ndarray:
    """The picture with a gamma that brings its mean value near BRIGHTENED."""
    mean = max(1.0, float(picture.mean()))
    gamma = np.log(BRIGHTENED / 255) / np.log(mean / 255)
    table = 255 * (np.arange(256) / 255) ** gamma
    return np.rint(table).astype(np.uint8)[picture]


def _crop_of_movement(pictures: Sequence[np.ndarray]) -> Crop | None:
    """The surroundings of what moves; None if nothing moves, or nearly everything."""
    height, width = pictures[0].shape[:2]
    rows, columns = (min(cells, side) for cells, side in zip(CELLS, (height, width), strict=True))
    grey = np.stack([area_average(picture, rows, columns).mean(axis=-1) for picture in pictures])
    movement = grey.std(axis=0)
    moves = movement > max(LEAST_MOVEMENT, SHARE_OF_MOVEMENT * movement.max())
    if not moves.any():
        return None
    (top, bottom), (left, right) = (
        (indices.min() / cells, (indices.max() + 1) / cells)
        for indices, cells in zip(np.nonzero(moves), (rows, columns), strict=True)
    )
    if bottom - top > LARGEST_MOVEMENT and right - left > LARGEST_MOVEMENT:
        return None
    top, bottom, left, right = top * height, bottom * height, left * width, right * width
    x, size = (left + right) / 2, bottom - top
    if size > STANDING * (right - left):
        return crop_around(Person(x, top + SHOULDERS_BELOW_TOP * size, SHOULDERS_ACROSS * size), height, width)
    # An upper body, which fills the crop.
    shoulders = max(size / CROP_HEIGHT, (right - left) / CROP_WIDTH)
    return crop_around(Person(x, top + 0.4 * size, shoulders), height, width)
