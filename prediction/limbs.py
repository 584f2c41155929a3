"""Limbs drawn on a picture of any size, for people to watch; overlays.py compares predictions with the truth."""

import numpy as np
from PIL import Image, ImageDraw

from pipeline.joints import JOINT_NAMES, LIMBS

# Okabe and Ito's, which colour-blind people tell apart; the outline stands out on light pictures, the colours on dark.
RIGHT, LEFT, BETWEEN = "#E69F00", "#56B4E9", "#F0E442"
OUTLINE = "black"
LINES_IN_A_SIDE = 90  # how many lines beside each other fill the shorter side of the picture
FARTHEST = 10_000


def draw_limbs(picture, joints):
    """A copy of a picture, uint8 (height, width, 3), with the person's right limbs in orange and left ones in blue.

    joints: (7, 2) in the order of JOINT_NAMES, x and y in pixels from the picture's upper left corner, all finite. What
    lies outside is not drawn.
    """
    image = Image.fromarray(picture)
    draw = ImageDraw.Draw(image)
    # Odd, so that a line has a middle; Pillow takes whole pixels.
    width = 1 + 2 * (min(image.size) // (2 * LINES_IN_A_SIDE))
    places = np.floor(np.clip(joints, -FARTHEST, FARTHEST)).astype(int).tolist()
    at = dict(zip(JOINT_NAMES, map(tuple, places)))
    for outline in (True, False):
        for limb in LIMBS:
            _draw_line(draw, [at[joint] for joint in limb], _colour(*limb), width, outline)
        for joint in JOINT_NAMES:
            _draw_dot(draw, at[joint], _colour(joint), width, outline)
    return np.asarray(image)


def _colour(*joints):
    for side, colour in (("right", RIGHT), ("left", LEFT)):
        if all(joint.startswith(side) for joint in joints):
            return colour
    return BETWEEN


def _draw_line(draw, ends, colour, width, outline):
    if outline:
        draw.line(ends, OUTLINE, width + 2 * _outline_width(width))
    else:
        draw.line(ends, colour, width)


def _draw_dot(draw, place, colour, width, outline):
    radius = width + (_outline_width(width) if outline else 0)
    draw.circle(place, radius, OUTLINE if outline else colour)


def _outline_width(width):
    return (width + 1) // 2
