"""Draws limbs on a picture of any size, for people to watch; report/overlays.py draws predictions beside the labels."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw

from pipeline.joints import JOINT_NAMES, LIMBS
from video.crop import Crop

# Okabe and Ito's colours, which colour-blind people tell apart. The outline contrasts with light pictures, the colours
# with dark ones.
RIGHT, LEFT, BETWEEN = "#E69F00", "#56B4E9", "#F0E442"
OUTLINE = "black"
LINES_IN_A_SIDE = 90  # the shorter side of the picture over the width of a line
FARTHEST = 10_000
BOX = "white"
# A limb of low confidence is a row of dots, so many line widths apart.
DOTS_APART = 3

Point = tuple[int, int]


def draw_limbs(picture: np.ndarray, joints: np.ndarray, is_sure: np.ndarray | None = None) -> np.ndarray:
    """A copy of a picture, uint8 (height, width, 3), with the person's right limbs in orange and left ones in blue.

    joints: (7, 2) in the order of JOINT_NAMES, x and y in pixels from the picture's upper left corner. What lies
    outside the picture is not drawn, nor what is NaN. is_sure: bool (7,); a limb to a joint of which one is not so sure
    is dotted, and the joint has no dot of its own. None where all are.
    """
    image = Image.fromarray(picture)
    draw = ImageDraw.Draw(image)
    width = _line_width(image)
    points = np.floor(np.clip(joints, -FARTHEST, FARTHEST)).tolist()
    point_of = {name: (int(x), int(y)) for name, (x, y) in zip(JOINT_NAMES, points, strict=True) if not np.isnan(x + y)}
    limbs = [limb for limb in LIMBS if point_of.keys() >= set(limb)]
    is_sure = np.ones(len(JOINT_NAMES), bool) if is_sure is None else is_sure
    sure = {name for name, is_so in zip(JOINT_NAMES, is_sure, strict=True) if is_so}
    for outline in (True, False):
        for limb in limbs:
            ends = [point_of[joint] for joint in limb]
            paint = _draw_line if sure.issuperset(limb) else _draw_dots
            paint(draw, ends, _colour(*limb), width, outline)
        for joint, point in point_of.items():
            if joint in sure:
                _draw_dot(draw, point, _colour(joint), width, outline)
    return np.asarray(image)


def draw_crop(picture: np.ndarray, crop: Crop) -> np.ndarray:
    """A copy of a picture, uint8 (height, width, 3), with the crop's edges on it."""
    image = Image.fromarray(picture)
    draw = ImageDraw.Draw(image)
    width = _line_width(image)
    corners = [(crop.x, crop.y), (crop.x + crop.width - 1, crop.y + crop.height - 1)]
    draw.rectangle(corners, outline=OUTLINE, width=width + 2 * _outline_width(width))
    inner = _outline_width(width)
    (left, top), (right, bottom) = corners
    if right - left > 2 * inner and bottom - top > 2 * inner:
        draw.rectangle([(left + inner, top + inner), (right - inner, bottom - inner)], outline=BOX, width=width)
    return np.asarray(image)


def _line_width(image: Image.Image) -> int:
    """Odd, so that a line has a middle; Pillow takes whole pixels."""
    return 1 + 2 * (min(image.size) // (2 * LINES_IN_A_SIDE))


def _colour(*joints: str) -> str:
    for side, colour in (("right", RIGHT), ("left", LEFT)):
        if all(joint.startswith(side) for joint in joints):
            return colour
    return BETWEEN


def _draw_line(draw: ImageDraw.ImageDraw, ends: list[Point], colour: str, width: int, outline: bool) -> None:
    if outline:
        draw.line(ends, OUTLINE, width + 2 * _outline_width(width))
    else:
        draw.line(ends, colour, width)


def _draw_dots(draw: ImageDraw.ImageDraw, ends: list[Point], colour: str, width: int, outline: bool) -> None:
    """A dotted line, whose dots are as wide as a line is."""
    (start_x, start_y), (end_x, end_y) = ends
    radius = width / 2 + (_outline_width(width) if outline else 0)
    count = 1 + int(np.hypot(end_x - start_x, end_y - start_y) // (DOTS_APART * width))
    for share in np.linspace(0, 1, count + 1):
        center = (start_x + share * (end_x - start_x), start_y + share * (end_y - start_y))
        draw.circle(center, radius, OUTLINE if outline else colour)


def _draw_dot(draw: ImageDraw.ImageDraw, center: Point, colour: str, width: int, outline: bool) -> None:
    radius = width + (_outline_width(width) if outline else 0)
    draw.circle(center, radius, OUTLINE if outline else colour)


def _outline_width(width: int) -> int:
    return (width + 1) // 2
