"""Antialiased shapes, painted onto all frames of a video at once.

A canvas is (3, frames, height, width) float32, colours from 0 to 255. Positions are (frames, 2), x and y in pixels; the
middle of the pixel in row r and column c is at (c + 0.5, r + 0.5). A shape is a signed distance to its edge: a pixel is
covered in full from half a pixel inside on, and not at all from half a pixel outside on.
"""

import numpy as np


def paint_capsule(canvas, start, end, radii, colour):
    """A rod with round ends from `start` to `end`, of the two radii there, darker towards its rim."""
    view, x, y = _surroundings(canvas, np.stack([start, end]), max(radii))
    start_x, start_y = _columns(start)
    axis_x, axis_y = _columns(end - start)
    x, y = x - start_x, y - start_y
    squared_length = np.maximum(axis_x**2 + axis_y**2, np.float32(1e-6))
    along = np.clip((x * axis_x + y * axis_y) / squared_length, 0, 1)
    radius = np.float32(radii[0]) + np.float32(radii[1] - radii[0]) * along
    from_axis = np.hypot(x - along * axis_x, y - along * axis_y)
    _paint(view, radius - from_axis, colour, _roundness(from_axis / radius))


def paint_ellipse(canvas, centre, radii, upwards, colour, lowest=np.inf):
    """An ellipse whose second radius points along the unit vectors `upwards`, darker towards its rim.

    What lies further than `lowest` pixels below its centre is left out.
    """
    view, x, y = _surroundings(canvas, centre[None], max(radii))
    centre_x, centre_y = _columns(centre)
    across, down = _along_body(x - centre_x, y - centre_y, upwards)
    relative = np.hypot(across / np.float32(radii[0]), down / np.float32(radii[1]))
    inside = np.minimum((1 - relative) * np.float32(min(radii)), np.float32(lowest) - down)
    _paint(view, inside, colour, _roundness(relative))


def paint_trunk(canvas, chest, upwards, size, half_widths, colour, stripes=None):
    """A trunk from sloping shoulders down to the hips, 1.9 sizes below.

    `half_widths` are those at the shoulders, the waist and the hips. `stripes`, where given, is a second colour and
    the distance in pixels between stripes.
    """
    hips = chest - 1.9 * size * upwards
    view, x, y = _surroundings(canvas, np.stack([chest, hips]), 0.8 * size)
    chest_x, chest_y = _columns(chest)
    across, down = _along_body(x - chest_x, y - chest_y, upwards)
    half_width = np.interp(down, np.array([0, 1.2, 1.9]) * size, half_widths).astype(np.float32)
    across = np.abs(across)
    shoulder_line = np.float32(0.3) * across - np.float32(0.28 * size)
    inside = np.minimum(half_width - across, np.minimum(down - shoulder_line, np.float32(1.9 * size) - down))
    shade = _roundness(np.minimum(across / half_width, 1))
    _paint(view, inside, colour, shade)
    if stripes is not None:
        stripe_colour, spacing = stripes
        in_stripe = np.float32(spacing / 4) - np.abs(down % np.float32(spacing) - np.float32(spacing / 2))
        _paint(view, np.minimum(inside, in_stripe), stripe_colour, shade)


def paint_rectangle(canvas, left, top, right, bottom, colour):
    """An upright rectangle of one colour, at the same place in every frame."""
    _, _, height, width = canvas.shape
    x, y = np.arange(width, dtype=np.float32) + 0.5, np.arange(height, dtype=np.float32)[:, None] + 0.5
    inside = np.minimum(np.minimum(x - left, right - x), np.minimum(y - top, bottom - y))
    _paint(canvas, inside, colour, 1)


def _surroundings(canvas, points, reach):
    """The part of the canvas within reach of the points in any frame, and the x and y of its pixels."""
    _, _, height, width = canvas.shape
    low = np.floor(points.min(axis=(0, 1)) - reach - 1).astype(int)
    high = np.ceil(points.max(axis=(0, 1)) + reach + 1).astype(int)
    left, right = np.clip([low[0], high[0]], 0, width)
    top, bottom = np.clip([low[1], high[1]], 0, height)
    x = np.arange(left, right, dtype=np.float32) + np.float32(0.5)
    y = np.arange(top, bottom, dtype=np.float32)[:, None] + np.float32(0.5)
    return canvas[:, :, top:bottom, left:right], x, y


def _columns(vectors):
    """The x and the y of (frames, 2) vectors, each (frames, 1, 1) float32."""
    return vectors.astype(np.float32).T[:, :, None, None]


def _along_body(x, y, upwards):
    """Offsets in the picture as offsets across a body to its left and down it, for its upward unit vectors."""
    up_x, up_y = _columns(upwards)
    return -x * up_y + y * up_x, -(x * up_x + y * up_y)


def _roundness(from_middle):
    """The brightness of a round surface, 1 in its middle and less at its rim."""
    return 1 - np.float32(0.35) * np.square(from_middle)


def _paint(view, inside, colour, shade):
    coverage = np.clip(inside + np.float32(0.5), 0, 1)
    for plane, brightness in zip(view, colour):
        plane += coverage * (np.float32(brightness) * shade - plane)
