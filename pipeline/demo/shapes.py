"""Paints antialiased shapes onto all frames of a video at once.

A canvas is float32 (3, frames, height, width), colours from 0 to 255. Points are (frames, 2), x and y in pixels; the
centre of the pixel in row r and column c is at (c + 0.5, r + 0.5). A shape is given by each pixel's signed distance to
its edge. Its coverage decreases from 1, half a pixel inside the edge, to 0, half a pixel outside.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np

# Red, green and blue.
Colour: TypeAlias = "np.ndarray | Sequence[float]"


def paint_capsule(
    canvas: np.ndarray, start: np.ndarray, end: np.ndarray, radii: Sequence[float] | np.ndarray, colour: Colour
) -> None:
    """A rod with round ends from `start` to `end`, darker towards its edge. radii: at both ends."""
    view, x, y = _surroundings(canvas, np.stack([start, end]), max(radii))
    start_x, start_y = _columns(start)
    axis_x, axis_y = _columns(end - start)
    x, y = x - start_x, y - start_y
    squared_length = np.maximum(axis_x**2 + axis_y**2, np.float32(1e-6))
    along = np.clip((x * axis_x + y * axis_y) / squared_length, 0, 1)
    radius = np.float32(radii[0]) + np.float32(radii[1] - radii[0]) * along
    from_axis = np.hypot(x - along * axis_x, y - along * axis_y)
    _paint(view, radius - from_axis, colour, _roundness(from_axis / radius))


def paint_ellipse(
    canvas: np.ndarray,
    centre: np.ndarray,
    radii: tuple[float, float],
    upwards: np.ndarray,
    colour: Colour,
    lowest: float = np.inf,
) -> None:
    """An ellipse whose second radius points along the unit vectors `upwards`, darker towards its edge.

    The part that lies more than `lowest` pixels below its centre is omitted.
    """
    view, x, y = _surroundings(canvas, centre[None], max(radii))
    centre_x, centre_y = _columns(centre)
    across, down = _along_body(x - centre_x, y - centre_y, upwards)
    relative = np.hypot(across / np.float32(radii[0]), down / np.float32(radii[1]))
    inside = np.minimum((1 - relative) * np.float32(min(radii)), np.float32(lowest) - down)
    _paint(view, inside, colour, _roundness(relative))


def paint_trunk(
    canvas: np.ndarray,
    chest: np.ndarray,
    upwards: np.ndarray,
    size: float,
    half_widths: np.ndarray,
    colour: Colour,
    stripes: tuple[Colour, float] | None = None,
) -> None:
    """A trunk from sloping shoulders down to the hips, 1.9 sizes below.

    half_widths: at the shoulders, the waist and the hips, in pixels. stripes: a second colour and the distance in
    pixels between stripes.
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


def paint_rectangle(canvas: np.ndarray, left: float, top: float, right: float, bottom: float, colour: Colour) -> None:
    """An upright rectangle of one colour, at the same place in every frame."""
    _, _, height, width = canvas.shape
    x, y = np.arange(width, dtype=np.float32) + 0.5, np.arange(height, dtype=np.float32)[:, None] + 0.5
    inside = np.minimum(np.minimum(x - left, right - x), np.minimum(y - top, bottom - y))
    _paint(canvas, inside, colour, 1)


def _surroundings(canvas: np.ndarray, points: np.ndarray, reach: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The part of the canvas within `reach` pixels of the points in any frame, and the x and the y of its pixels."""
    _, _, height, width = canvas.shape
    low = np.floor(points.min(axis=(0, 1)) - reach - 1).astype(int)
    high = np.ceil(points.max(axis=(0, 1)) + reach + 1).astype(int)
    left, right = np.clip([low[0], high[0]], 0, width)
    top, bottom = np.clip([low[1], high[1]], 0, height)
    x = np.arange(left, right, dtype=np.float32) + np.float32(0.5)
    y = np.arange(top, bottom, dtype=np.float32)[:, None] + np.float32(0.5)
    return canvas[:, :, top:bottom, left:right], x, y


def _columns(vectors: np.ndarray) -> np.ndarray:
    """The x and the y of vectors (frames, 2), for broadcasting: float32 (2, frames, 1, 1)."""
    return vectors.astype(np.float32).T[:, :, None, None]


def _along_body(x: np.ndarray, y: np.ndarray, upwards: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Offsets in the picture as offsets to the left of a body and down it. upwards: the body's upward unit vectors."""
    up_x, up_y = _columns(upwards)
    return -x * up_y + y * up_x, -(x * up_x + y * up_y)


def _roundness(from_centre: np.ndarray) -> np.ndarray:
    """The brightness of a round surface, 1 at its centre and less at its edge."""
    return 1 - np.float32(0.35) * np.square(from_centre)


def _paint(view: np.ndarray, inside: np.ndarray, colour: Colour, shade: np.ndarray | float) -> None:
    coverage = np.clip(inside + np.float32(0.5), 0, 1)
    for plane, brightness in zip(view, colour, strict=True):
        plane += coverage * (np.float32(brightness) * shade - plane)
