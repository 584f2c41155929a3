"""Reads the pixels of PNG files and figures for the tests of plots."""

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.image import imread


def read_png(path):
    """The picture (height, width, 3) uint8; fails if the file is not a PNG."""
    with open(path, "rb") as file:
        assert file.read(8) == b"\x89PNG\r\n\x1a\n"
    return np.rint(imread(path)[..., :3] * 255).astype(np.uint8)


def rasterized(figure):
    """The figure's pixels (height, width, 3) uint8."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()


def colour_share(picture, colour, tolerance=24):
    """The fraction of pixels whose channels are all within the tolerance of the colour (red, green, blue)."""
    return float((np.abs(picture.astype(int) - np.array(colour)).max(axis=-1) <= tolerance).mean())
