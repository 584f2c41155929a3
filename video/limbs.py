"""Draws limbs on a picture of any size. (report/overlays.py draws predictions beside the labels.)"""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw

from pipeline.joints import JOINT_NAMES, LIMBS
from video.crop import Crop

# Okabe and Ito's colours, which colour-blind people can distinguish. The outline contrasts with light pictures, the
# colours with dark ones.
RIGHT, LEFT, BETWEEN = "#E69F00", "#56B4E9", "#F0E442"
OUTLINE = "black"
CROP_EDGE = "white"
LINES_PER_SIDE = 90  # the picture's shorter side / the width of a line
DOT_DISTANCE = 3  # line widths between the dots of a limb of low confidence
MAX_COORDINATE = 10_000  # pixels

Point = tuple[int, int]


def draw_limbs(picture: np.ndarray, joints: np.ndarray, is_confident: np.ndarray | None = None) -> np.ndarray:
    """Returns a copy of a picture, uint8 (height, width, 3), with right limbs in orange and left limbs in blue.

    joints: (7, 2) in the order of JOINT_NAMES, in pixels of the picture. Joints that are NaN are not drawn.
    is_confident: bool (7,), by default all true; limbs to other joints are dotted, and those joints have no dot.
    """
    image = Image.fromarray(picture)
    draw = ImageDraw.Draw(image)
    width = _line_width(image)
    points = np.floor(np.clip(joints, -MAX_COORDINATE, MAX_COORDINATE)).tolist()
    point_of = {name: (int(x), int(y)) for name, (x, y) in zip(JOINT_NAMES, points, strict=True) if not np.isnan(x + y)}
    limbs = [limb for limb in LIMBS if point_of.keys() >= set(limb)]
    is_confident = np.ones(len(JOINT_NAMES), bool) if is_confident is None else is_confident
    confident = {name for name, is_so in zip(JOINT_NAMES, is_confident, strict=True) if is_so}
    # All outlines first, so that they do not cover lines.
    for outline in (_outline_width(width), 0):
        for limb in limbs:
            start, end = (point_of[joint] for joint in limb)
            colour = OUTLINE if outline else _colour(*limb)
            if confident.issuperset(limb):
                draw.line([start, end], colour, width + 2 * outline)
            else:
                for center in _dots(start, end, DOT_DISTANCE * width):
                    draw.circle(center, width / 2 + outline, colour)
        for joint, point in point_of.items():
            if joint in confident:
                draw.circle(point, width + outline, OUTLINE if outline else _colour(joint))
    return np.asarray(image)


def draw_crop(picture: np.ndarray, crop: Crop) -> np.ndarray:
    """Returns a copy of a picture, uint8 (height, width, 3), with the crop's edges drawn on it."""
    image = Image.fromarray(picture)
    draw = ImageDraw.Draw(image)
    width = _line_width(image)
    inner = _outline_width(width)
    left, top, right, bottom = crop.x, crop.y, crop.x + crop.width - 1, crop.y + crop.height - 1
    draw.rectangle([left, top, right, bottom], outline=OUTLINE, width=width + 2 * inner)
    if right - left > 2 * inner and bottom - top > 2 * inner:
        draw.rectangle([left + inner, top + inner, right - inner, bottom - inner], outline=CROP_EDGE, width=width)
    return np.asarray(image)


def _line_width(image: Image.Image) -> int:
    """Width of a line in pixels, odd, so that a line has a middle."""
    return 1 + 2 * (min(image.size) // (2 * LINES_PER_SIDE))


def _outline_width(width: int) -> int:
    return (width + 1) // 2


def _colour(*joints: str) -> str:
    for side, colour in (("right", RIGHT), ("left", LEFT)):
        if all(joint.startswith(side) for joint in joints):
            return colour
    return BETWEEN


def _dots(start: Point, end: Point, distance: int) -> list[tuple[float, float]]:
    """Points on the line from start to end, at most this distance apart."""
    (start_x, start_y), (end_x, end_y) = start, end
    count = 1 + int(np.hypot(end_x - start_x, end_y - start_y) // distance)
    shares = np.linspace(0, 1, count + 1)
    return [(start_x + share * (end_x - start_x), start_y + share * (end_y - start_y)) for share in shares]
