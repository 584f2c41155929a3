"""A picture of any size becomes a frame like those of the training data, and a frame's joints find their way back.

The course's frames are whole pictures, 1.2 to 1.8 times as wide as high, and each of their pixels is the rounded mean
of the area that it covers: scaled so, the publisher's pictures of YouTube Pose are the course's frames, but for single
values that are one off.
"""

import functools
from typing import NamedTuple

import numpy as np

from pipeline.sequence_shape import FRAME_SHAPE
from pipeline.user_error import UserError

WHOLE, MIDDLE = "none", "center"
# That of many training pictures, and between those of the rest, as parts of a whole number.
MIDDLE_SHAPE = (4, 3)

HEIGHT, WIDTH, _ = FRAME_SHAPE
ROWS_OF_STRIP = 8


class Crop(NamedTuple):
    """A part of a picture, in whole pixels from the picture's upper left corner."""

    x: int
    y: int
    width: int
    height: int


def parse_crop(text):
    """What --crop says: "none", "center", or a Crop from "X,Y,WIDTH,HEIGHT"; raises UserError for anything else."""
    if text in (WHOLE, MIDDLE):
        return text
    try:
        crop = Crop(*map(int, text.split(",")))
    except (TypeError, ValueError):
        crop = None
    if crop is None or min(crop.x, crop.y) < 0 or min(crop.width, crop.height) < 1:
        raise UserError(f"--crop {text} is neither none nor center nor X,Y,WIDTH,HEIGHT in whole pixels")
    return crop


def crop_of_picture(choice, picture):
    """The Crop that a choice of parse_crop makes of one picture, (height, width, 3); raises UserError outside of it."""
    height, width = picture.shape[:2]
    if choice == WHOLE:
        return Crop(0, 0, width, height)
    if choice == MIDDLE:
        across, down = MIDDLE_SHAPE
        cropped_width = min(width, max(1, round(height * across / down)))
        cropped_height = min(height, max(1, round(width * down / across)))
        return Crop((width - cropped_width) // 2, (height - cropped_height) // 2, cropped_width, cropped_height)
    if choice.x + choice.width > width or choice.y + choice.height > height:
        crop = ",".join(map(str, choice))
        raise UserError(f"--crop {crop} reaches beyond a picture of {width}×{height} pixels; choose a part of it")
    return choice


def scale_to_frame(picture, crop):
    """That part of a picture, uint8 (height, width, 3), as a frame, uint8 (64, 64, 3)."""
    part = picture[crop.y : crop.y + crop.height, crop.x : crop.x + crop.width]
    shares = _area_shares(crop.height, HEIGHT)
    strips = [_weighted_rows(part, shares[row : row + ROWS_OF_STRIP]) for row in range(0, HEIGHT, ROWS_OF_STRIP)]
    rows = np.concatenate(strips).reshape(HEIGHT, crop.width, 3)
    columns = rows.transpose(1, 0, 2).reshape(crop.width, -1)
    scaled = _weighted_sums(_area_shares(crop.width, WIDTH), columns).reshape(WIDTH, HEIGHT, 3)
    return np.rint(scaled).astype(np.uint8).transpose(1, 0, 2)


def _weighted_rows(part, shares):
    """Some rows of the frame, at the picture's width; only those of the picture that they cover become floats."""
    covered = np.flatnonzero(shares.any(axis=0))
    covered = slice(covered[0], covered[-1] + 1)
    rows = part[covered].astype(np.float32)
    return _weighted_sums(shares[:, covered], rows.reshape(len(rows), -1))


def _weighted_sums(weights, values):
    # Not a matrix product: for so small a one, the threads of BLAS cost more than they save beside those of TensorFlow.
    return np.einsum("ij,jk->ik", weights, values)


@functools.lru_cache(maxsize=16)
def _area_shares(length, parts):
    """How much of each of `parts` equal parts of a line each of its `length` pixels is: float32 (parts, length).

    Each row adds up to 1.
    """
    edges = np.arange(parts + 1) * length / parts
    pixels = np.arange(length)
    overlap = np.minimum(edges[1:, np.newaxis], pixels + 1) - np.maximum(edges[:-1, np.newaxis], pixels)
    return (np.clip(overlap, 0, None) * parts / length).astype(np.float32)


def joints_in_picture(joints, crop):
    """Joints in the frame's pixels, float32 (7, 2), in those of the picture that it was made of; float32 (7, 2).

    In both, x and y count from the upper left corner, so that the middle of the first pixel is at (0.5, 0.5).
    """
    scale = np.array([crop.width / WIDTH, crop.height / HEIGHT], np.float32)
    return joints * scale + np.array([crop.x, crop.y], np.float32)
