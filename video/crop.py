"""Crops a picture and scales it to the model's 64×64 pixels; converts joints from those pixels back to the picture's.

The course's frames are whole pictures, 1.2 to 1.8 times as wide as high, scaled by area averaging. When the publisher's
pictures of YouTube Pose are scaled this way, they equal the course's frames except for single values that differ by 1.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np

from pipeline.sequence_shape import FRAME_SHAPE
from pipeline.sources.scaled_pictures import area_average
from support.user_error import UserError

CENTER_RATIO = (4, 3)  # of many training pictures, and between the ratios of the others
MAX_USUAL_RATIO = 2  # width / height

HEIGHT, WIDTH, _ = FRAME_SHAPE


class Crop(NamedTuple):
    """A rectangle in whole pixels, which may extend beyond the picture. A tuple, as --crop X,Y,WIDTH,HEIGHT is."""

    x: int  # of its upper left corner, from the picture's
    y: int
    width: int
    height: int


# The surroundings of the person, the whole picture, its 4:3 center, or the same rectangle of every picture.
CropChoice = Literal["auto", "none", "center"] | Crop


def parse_crop(text: str) -> CropChoice:
    """Parses --crop: "auto", "none", "center" or "X,Y,WIDTH,HEIGHT". Raises UserError for anything else."""
    names: tuple[Literal["auto", "none", "center"], ...] = ("auto", "none", "center")
    for name in names:
        if text == name:
            return name
    try:
        crop = Crop(*map(int, text.split(",")))
    except (TypeError, ValueError):
        crop = None
    if crop is None or min(crop.x, crop.y) < 0 or min(crop.width, crop.height) < 1:
        raise UserError(f"--crop {text!r} is invalid; use auto, none, center or X,Y,WIDTH,HEIGHT in whole pixels")
    return crop


def crop_of_picture(choice: Literal["none", "center"] | Crop, picture: np.ndarray, pixel_aspect: float = 1) -> Crop:
    """The crop of a picture, (height, width, 3), for this choice. Raises UserError if it exceeds the picture.

    pixel_aspect: width / height of a pixel.
    """
    height, width = picture.shape[:2]
    if choice == "none":
        return Crop(0, 0, width, height)
    if choice == "center":
        across, down = CENTER_RATIO[0], CENTER_RATIO[1] * pixel_aspect
        crop_width = min(width, max(1, round(height * across / down)))
        crop_height = min(height, max(1, round(width * down / across)))
        return Crop((width - crop_width) // 2, (height - crop_height) // 2, crop_width, crop_height)
    if choice.x + choice.width > width or choice.y + choice.height > height:
        crop = ",".join(map(str, choice))
        raise UserError(f"--crop {crop} extends beyond a picture of {width}×{height} pixels; choose a smaller one")
    return choice


def has_usual_ratio(crop: Crop, pixel_aspect: float = 1) -> bool:
    """Whether the aspect ratio is similar to the training pictures'; the model sees each squeezed into a square.

    pixel_aspect: width / height of a pixel.
    """
    return 1 <= crop.width * pixel_aspect / crop.height <= MAX_USUAL_RATIO


def scale_to_frame(picture: np.ndarray, crop: Crop) -> np.ndarray:
    """Crops a picture, uint8 (height, width, 3), and scales it to a frame, uint8 (64, 64, 3).

    Beyond the picture, its edges are repeated.
    """
    height, width = picture.shape[:2]
    part = picture[max(0, crop.y) : max(0, crop.y + crop.height), max(0, crop.x) : max(0, crop.x + crop.width)]
    if part.shape[:2] != (crop.height, crop.width):
        rows = np.clip(np.arange(crop.y, crop.y + crop.height), 0, height - 1)
        columns = np.clip(np.arange(crop.x, crop.x + crop.width), 0, width - 1)
        part = picture[rows[:, np.newaxis], columns]
    return area_average(part, HEIGHT, WIDTH)


def joints_in_picture(joints: np.ndarray, crop: Crop) -> np.ndarray:
    """Converts joints, float32 (7, 2), from pixels of the frame to pixels of the picture that was cropped.

    In both, x and y count from the upper left corner, so the center of the first pixel is at (0.5, 0.5).
    """
    scale = np.array([crop.width / WIDTH, crop.height / HEIGHT], np.float32)
    return joints * scale + np.array([crop.x, crop.y], np.float32)


def is_outside(joints: np.ndarray, height: int, width: int) -> np.ndarray:
    """Which joints, (..., 2) in pixels, are outside a picture of this size: bool (...). NaN counts as outside."""
    return ~np.all((joints >= 0) & (joints <= np.array([width, height])), axis=-1)
