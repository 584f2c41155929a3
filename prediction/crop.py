"""A picture of any size becomes a frame like those of the training data, and a frame's joints find their way back.

The course's frames are whole pictures, 1.2 to 1.8 times as wide as high, and each of their pixels is the rounded mean
of the area that it covers: scaled so, the publisher's pictures of YouTube Pose are the course's frames, but for single
values that are one off.
"""

from typing import NamedTuple

import numpy as np

from command_line.user_error import UserError
from pipeline.area_averaging import area_average
from pipeline.sequence_shape import FRAME_SHAPE

WHOLE, MIDDLE = "none", "center"
# That of many training pictures, and between those of the rest, as parts of a whole number.
MIDDLE_SHAPE = (4, 3)

HEIGHT, WIDTH, _ = FRAME_SHAPE


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
    return area_average(part, HEIGHT, WIDTH)


def joints_in_picture(joints, crop):
    """Joints in the frame's pixels, float32 (7, 2), in those of the picture that it was made of; float32 (7, 2).

    In both, x and y count from the upper left corner, so that the middle of the first pixel is at (0.5, 0.5).
    """
    scale = np.array([crop.width / WIDTH, crop.height / HEIGHT], np.float32)
    return joints * scale + np.array([crop.x, crop.y], np.float32)
