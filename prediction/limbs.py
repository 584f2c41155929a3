"""Draws limbs on a picture of any size, for people to watch; report/overlays.py draws predictions beside the labels."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw

from pipeline.joints import JOINT_NAMES, LIMBS

# Okabe and Ito's colours, which colour-blind people tell apart. The outline contrasts with light pictures, the colours
# with dark ones.
RIGHT, LEFT, BETWEEN = "#E69F00", "#56B4E9", "#F0E442"
OUTLINE = "black"
LINES_IN_A_SIDE = 90  # the shorter side of the picture over the width of a line
FARTHEST = 10_000

Point = tuple[int, int]


def draw_limbs(picture: np.ndarray, joints: np.ndarray) -> np.ndarray:
    """A copy of a picture, uint8 (height, width, 3), with the person's right limbs in orange and left ones in blue.

    joints: (7, 2) in the order of JOINT_NAMES, x and y in pixels from the picture's upper left corner, all finite. What
    lies outside the picture is not drawn.
    """
    image = Image.fromarray(picture)
    draw = ImageDraw.Draw(image)
    # Odd, so that a line has a middle; Pillow takes whole pixels.
    width = 1 + 2 * (min(image.size) // (2 * LINES_IN_A_SIDE))
    points = np.floor(np.clip(joints, -FARTHEST, FARTHEST)).astype(int).tolist()
    point_of = {joint: (x, y) for joint, (x, y) in zip(JOINT_NAMES, points, strict=True)}
    for outline in (True, False):
        for limb in LIMBS:
            _draw_line(draw, [point_of[joint] for joint in limb], _colour(*limb), width, outline)
        for joint in JOINT_NAMES:
            _draw_dot(draw, point_of[joint], _colour(joint), width, outline)
    return np.asarray(image)


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


def _draw_dot(draw: ImageDraw.ImageDraw, center: Point, colour: str, width: int, outline: bool) -> None:
    radius = width + (_outline_width(width) if outline else 0)
    draw.circle(center, radius, OUTLINE if outline else colour)


def _outline_width(width: int) -> int:
    return (width + 1) // 2
