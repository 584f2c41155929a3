"""How many students have which pixel error, beside that of always predicting the mean pose."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from support.deferred_module import DeferredModule

if TYPE_CHECKING:
    from matplotlib import figure as matplotlib_figure
    from matplotlib import ticker
else:
    matplotlib_figure = DeferredModule("matplotlib.figure")
    ticker = DeferredModule("matplotlib.ticker")

# Of Okabe and Ito's colour-blind-safe palette; hatching tells the bars apart without colour.
COLOUR, COLOUR_BEYOND = "#0072B2", "#E69F00"
MEAN_POSES_SHOWN = 1.5
NARROWEST_BAR = 0.5
MOST_BARS = 50


def error_histogram(pixel_errors: Sequence[float], mean_pose_error: float) -> matplotlib_figure.Figure:
    """A bar for each half pixel, or wider where the axis is long; returns a matplotlib Figure.

    pixel_errors: finite, in pixels, one a student. mean_pose_error: in pixels; a dashed line marks it. The
    axis ends at half as much again, so that one model that is far off does not squeeze all the others together. What is
    beyond is counted in a bar of its own, to the right.
    """
    edges = _edges(mean_pose_error)
    width, end = edges[1] - edges[0], edges[-1]
    errors = np.asarray(pixel_errors, np.float64)
    counts, _ = np.histogram(errors, edges)
    beyond = int((errors > end).sum())
    figure = matplotlib_figure.Figure(figsize=(7, 3.2), layout="constrained")
    axes = figure.subplots()
    axes.bar(edges[:-1], counts, width, align="edge", color=COLOUR, edgecolor="white", linewidth=0.6)
    if beyond:
        label = f"more than {end:g} px"
        axes.bar(end + width, beyond, 2 * width, align="edge", color=COLOUR_BEYOND, hatch="//", label=label)
    axes.axvline(mean_pose_error, color="black", linestyle="--", label="always the mean pose")
    axes.set_xlim(0, end + 4 * width if beyond else end)
    axes.set_ylim(0, 1.1 * max(*counts, beyond, 1))
    ticks = ticker.MaxNLocator(integer=True).tick_values(0, end)
    axes.set_xticks(ticks[ticks <= end])
    axes.yaxis.set_major_locator(ticker.MaxNLocator(integer=True))
    axes.set_xlabel("mean pixel error [px]")
    axes.set_ylabel("number of students")
    axes.grid(axis="y", alpha=0.3)
    axes.set_axisbelow(True)
    figure.legend(loc="outside upper center", ncols=2)
    return figure


def _edges(mean_pose_error: float) -> np.ndarray:
    """The edges of the bars, pixels: float64 (bars + 1)."""
    end = max(MEAN_POSES_SHOWN * mean_pose_error, NARROWEST_BAR)
    width = max(NARROWEST_BAR, math.ceil(end / MOST_BARS / NARROWEST_BAR) * NARROWEST_BAR)
    return width * np.arange(math.ceil(end / width) + 1)
