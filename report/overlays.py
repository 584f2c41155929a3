"""Predicted and true joints drawn on their frames as limbs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from evaluation.distance import mean_distances
from pipeline.joints import JOINT_NAMES, LIMBS
from report.figure_file import write_png
from support.deferred_module import DeferredModule

if TYPE_CHECKING:
    from matplotlib import figure as matplotlib_figure
    from matplotlib import patheffects
    from matplotlib.axes import Axes
else:
    matplotlib_figure = DeferredModule("matplotlib.figure")
    patheffects = DeferredModule("matplotlib.patheffects")

TRUTH: dict[str, Any] = {"color": "#56B4E9", "linestyle": "-"}
PREDICTION: dict[str, Any] = {"color": "#F0E442", "linestyle": (0, (3, 1.5))}
COLUMNS = 5
PANEL_INCHES = 2.1


def draw_overlays(
    path: str,
    frames: np.ndarray,
    labels: np.ndarray,
    predictions: np.ndarray,
    titles: Sequence[str] | None = None,
) -> str:
    """Writes `overlays_figure` as a PNG file and returns its path; raises OSError where it cannot be written."""
    return write_png(path, overlays_figure(frames, labels, predictions, titles))


def overlays_figure(
    frames: np.ndarray, labels: np.ndarray, predictions: np.ndarray, titles: Sequence[str] | None = None
) -> matplotlib_figure.Figure:
    """A grid of frames with truth and prediction on each; returns a matplotlib Figure.

    frames (K, height, width, 3) uint8 with K at least 1; labels and predictions (K, 7, 2) float, x and y in pixels from
    the frame's upper left corner. Limbs end at the edge of the frame where joints lie outside. Above each frame stands
    its mean pixel error, after its title if `titles` gives one for each.
    """
    errors = mean_distances(predictions, labels)
    columns = min(COLUMNS, len(frames))
    rows = -(-len(frames) // columns)
    width = max(columns * PANEL_INCHES, 4)
    figure = matplotlib_figure.Figure(figsize=(width, rows * (PANEL_INCHES + 0.25) + 0.4), layout="constrained")
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    for panel in panels:
        panel.set_axis_off()
    for number, (panel, frame) in enumerate(zip(panels, frames, strict=False)):
        _show_frame(panel, frame)
        _draw_pose(panel, labels[number], TRUTH)
        _draw_pose(panel, predictions[number], PREDICTION)
        error = f"{errors[number]:.1f} px"
        panel.set_title(error if titles is None else f"{titles[number]}: {error}", fontsize=9)
    _add_legend(figure, panels[0])
    return figure


def _show_frame(panel: Axes, frame: np.ndarray) -> None:
    height, width = frame.shape[:2]
    # imshow's own extent puts the middle of the first pixel at (0, 0); in the labels' pixels it is at (0.5, 0.5).
    panel.imshow(frame, extent=(0, width, height, 0), interpolation="nearest")
    panel.set_xlim(0, width)
    panel.set_ylim(height, 0)
    panel.autoscale(False)


def _draw_pose(panel: Axes, pose: np.ndarray, style: dict[str, Any]) -> None:
    at = dict(zip(JOINT_NAMES, pose, strict=True))
    outline = [patheffects.withStroke(linewidth=3.2, foreground="black", alpha=0.6)]
    for limb in LIMBS:
        x, y = zip(*(at[joint] for joint in limb), strict=True)
        panel.plot(x, y, linewidth=1.6, path_effects=outline, **style)
    dots = {"color": style["color"], "markersize": 4, "markeredgecolor": "black", "markeredgewidth": 0.6}
    panel.plot(*np.transpose(pose), "o", **dots)


def _add_legend(figure: matplotlib_figure.Figure, panel: Axes) -> None:
    handles = []
    for label, style in (("truth", TRUTH), ("prediction", PREDICTION)):
        handles += panel.plot([], [], "o", label=label, linewidth=2, markeredgecolor="black", markersize=5, **style)
    legend = figure.legend(handles=handles, loc="outside upper center", ncols=2, handlelength=3.5)
    legend.get_frame().set_facecolor("0.75")
