"""The plots of a training run and of scores, as matplotlib Figures, PNG files or SVG."""

from __future__ import annotations

import io
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from evaluation.confidence import BINS, WITHIN, ConfidenceTable
from evaluation.pixel_errors import CURVE_THRESHOLDS
from pipeline.joints import JOINT_NAMES
from support.atomic_write import atomic_write
from support.deferred_module import DeferredModule

if TYPE_CHECKING:
    import matplotlib
    from matplotlib import figure as matplotlib_figure
    from matplotlib import ticker
    from matplotlib.axes import Axes
else:
    matplotlib = DeferredModule("matplotlib")
    # Figures are never shown, so pyplot and its global state are not needed.
    matplotlib_figure = DeferredModule("matplotlib.figure")
    ticker = DeferredModule("matplotlib.ticker")

DOTS_PER_INCH = 120
WIDE, NARROW = 9.0, 4.0  # inches; narrow figures are for small screens

# The colour-blind-safe palette of Okabe and Ito.
BLUE, VERMILION, GREEN, BLACK = "#0072B2", "#D55E00", "#009E73", "#000000"
JOINT_COLOURS = {"head": BLACK, "wrist": VERMILION, "elbow": BLUE, "shoulder": GREEN}
JOINT_MARKERS = {"head": "D", "wrist": "o", "elbow": "s", "shoulder": "^"}  # for readers who see no colours
TRAINING: dict[str, Any] = {"color": BLUE, "linestyle": "-", "marker": ".", "markersize": 6}
VALIDATION: dict[str, Any] = {"color": VERMILION, "linestyle": "--", "marker": "s", "markersize": 4}

# A curve of accuracy is saturated where it is this close to its end, in percent.
SATURATED = 1.0
# The heights, in percent, at which the first and the last curve of accuracy are labelled.
HIGHEST_LABEL, LOWEST_LABEL = 74.0, 14.0
MARKERS = 12  # on each curve of accuracy
LABEL_GAP = 0.05  # between the curves and their labels, as a share of the axis

HistoryRow = Mapping[str, float]  # a row of history.csv


def write_png(path: str, figure: matplotlib_figure.Figure) -> str:
    """Writes a Figure to a PNG file atomically and returns its path. Raises OSError if it cannot be written."""
    with atomic_write(path) as partial:
        figure.savefig(partial, format="png", dpi=DOTS_PER_INCH)
    return path


def svg_bytes(figure: matplotlib_figure.Figure) -> bytes:
    """Converts a Figure to SVG in UTF-8, with selectable text. Equal figures give equal bytes."""
    file = io.BytesIO()
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": "figure"}):
        figure.savefig(file, format="svg", metadata={"Date": None})
    return file.getvalue()


def loss_figure(
    history: Sequence[HistoryRow], mean_pose_pixel_error: float | None = None, width: float = WIDE
) -> matplotlib_figure.Figure:
    """Plots the losses in px² on a logarithmic axis, and below them the validation pixel error.

    history: one row per evaluation. mean_pose_pixel_error: pixels; draws a horizontal line at the error of always
    predicting the mean pose. width: inches.
    """
    steps = [row["step"] for row in history]
    figure = matplotlib_figure.Figure(figsize=(width, 6), layout="constrained")
    loss_axes, error_axes = figure.subplots(2, sharex=True)

    training_losses = [row["train_loss"] for row in history]
    validation_losses = [row["validation_loss"] for row in history]
    loss_axes.plot(steps, training_losses, label="training", **TRAINING)
    loss_axes.plot(steps, validation_losses, label="validation", **VALIDATION)
    if any(loss > 0 for loss in training_losses + validation_losses):  # otherwise, matplotlib warns
        loss_axes.set_yscale("log")
    loss_axes.yaxis.set_major_formatter("{x:g}")
    loss_axes.yaxis.set_minor_formatter(ticker.LogFormatter(minor_thresholds=(1.3, 0.5)))
    loss_axes.set_ylabel("loss: mean squared error [px²]")

    pixel_errors = [row["validation_pixel_error"] for row in history]
    error_axes.plot(steps, pixel_errors, label="validation", **VALIDATION)
    if mean_pose_pixel_error is not None:
        error_axes.axhline(mean_pose_pixel_error, color=BLACK, linestyle=":", label="mean pose")
    error_axes.set_ylim(bottom=0)
    error_axes.set_ylabel("mean pixel error [px]")
    error_axes.set_xlabel("iterations")
    for axes in (loss_axes, error_axes):
        axes.grid(alpha=0.3, which="both")
        _label_ends(axes)
    return figure


def _label_ends(axes: Axes) -> None:
    """Writes the name of each curve, and its last value, to the right of its end. At most two curves have ends."""
    curves = [(np.asarray(line.get_ydata()), str(line.get_label())) for line in axes.get_lines()]
    ends = [(float(heights[-1]), name) for heights, name in curves if len(heights)]
    for (value, name), (alignment, offset) in zip(sorted(ends), (("top", -1), ("bottom", 1)), strict=False):
        is_shown = value > 0 or axes.get_yscale() != "log"
        if math.isfinite(value) and is_shown:
            axes.annotate(
                f"{name}\n{value:.3g}",
                xy=(1, value),
                xycoords=axes.get_yaxis_transform(),
                xytext=(5, offset),
                textcoords="offset points",
                va=alignment,
            )


def accuracy_figure(
    curves: Mapping[str, np.ndarray], pixel_error: Mapping[str, float], width: float = WIDE
) -> matplotlib_figure.Figure:
    """Plots, for each joint, the percentage of frames within each distance, up to where the last curve saturates.

    Beside each curve are the joint's name and its mean pixel error. curves: by joint, the share of frames within each
    of CURVE_THRESHOLDS, 0 to 1. pixel_error: by joint, pixels. width: inches.
    """
    figure = matplotlib_figure.Figure(figsize=(width, 5), layout="constrained")
    axes = figure.subplots()
    percentages = {joint: 100 * curves[joint] for joint in JOINT_NAMES}
    end = _saturation(list(percentages.values()))
    shown = int(np.searchsorted(CURVE_THRESHOLDS, end, side="right"))
    marked = max(1, shown // MARKERS)
    for joint, curve in percentages.items():
        axes.plot(CURVE_THRESHOLDS[:shown], curve[:shown], label=joint, markevery=marked, **_joint_style(joint))
    axes.set_xlim(0, end)
    axes.set_ylim(0, 102)
    axes.xaxis.set_major_locator(ticker.MaxNLocator(10))
    axes.yaxis.set_major_locator(ticker.MultipleLocator(10))
    axes.set_xlabel("distance from the true joint [px]")
    axes.set_ylabel("frames within that distance [%]")
    axes.grid(alpha=0.3)
    _label_curves(axes, percentages, pixel_error)
    return figure


def _saturation(curves: Sequence[np.ndarray]) -> int:
    """The first whole number of pixels, from 1 on, at which all curves, in percent, are saturated."""
    is_saturated = np.all([curve >= curve[-1] - SATURATED for curve in curves], axis=0)
    return max(1, math.ceil(CURVE_THRESHOLDS[np.argmax(is_saturated)]))


def _label_curves(axes: Axes, percentages: Mapping[str, np.ndarray], pixel_error: Mapping[str, float]) -> None:
    """Labels each curve to the right of all curves, with a line to it. The worst joint's label is at the top."""
    slowest_first = sorted(percentages, key=lambda joint: -pixel_error[joint])
    for joint, level in zip(slowest_first, np.linspace(HIGHEST_LABEL, LOWEST_LABEL, len(slowest_first)), strict=True):
        # Where each curve reaches the level; a curve that does not reach it is met at its end.
        reached = {name: float(np.interp(level, curve, CURVE_THRESHOLDS)) for name, curve in percentages.items()}
        height = min(level, float(percentages[joint][-1]))
        axes.annotate(
            f"{joint}, {pixel_error[joint]:.2f} px",
            xy=(reached[joint], height),
            xytext=(max(reached.values()) + LABEL_GAP * axes.get_xlim()[1], level),
            va="center",
            arrowprops={"arrowstyle": "-", "color": _joint_style(joint)["color"], "relpos": (0, 0.5), "shrinkB": 0},
        )


def _joint_style(joint: str) -> dict[str, Any]:
    """Left and right share colour and marker. The left side has dashed lines and hollow markers."""
    side, _, part = joint.rpartition(" ")
    left = side == "left"
    return {
        "color": JOINT_COLOURS[part],
        "linestyle": "--" if left else "-",
        "marker": JOINT_MARKERS[part],
        "markerfacecolor": "white" if left else JOINT_COLOURS[part],
        "markersize": 4,
    }


def confidence_figure(table: ConfidenceTable, width: float = WIDE) -> matplotlib_figure.Figure:
    """Plots the mean error in each bin of confidence, and below it the share within WITHIN px.

    Above each bar is the bin's share of all positions. An empty bin has neither bar nor point. width: inches.
    """
    figure = matplotlib_figure.Figure(figsize=(width, 6), layout="constrained")
    error_axes, share_axes = figure.subplots(2, sharex=True)
    edges = np.arange(BINS + 1) / BINS
    chosen = table.positions > 0
    middles = (edges[:-1] + edges[1:])[chosen] / 2
    _draw_error_bars(error_axes, middles, table.mean_errors[chosen], table.positions[chosen])

    share_axes.plot([0, 1], [0, 100], ":", color=BLACK, label="ideal")
    share_axes.plot(middles, 100 * table.shares_within[chosen], label="measured", **VALIDATION)
    share_axes.set_xlim(0, 1)
    share_axes.set_xticks(edges)
    share_axes.set_ylim(0, 102)
    share_axes.set_xlabel(f"confidence of {table.positions.sum():,} positions")
    share_axes.set_ylabel(f"within {WITHIN} px [%]")
    for axes in (error_axes, share_axes):
        axes.set_axisbelow(True)
        axes.grid(alpha=0.3)
        axes.legend(loc="lower left", bbox_to_anchor=(-0.02, 1), ncols=2, frameon=False, borderpad=0.2)
    return figure


def _draw_error_bars(axes: Axes, middles: np.ndarray, errors: np.ndarray, positions: np.ndarray) -> None:
    bars = axes.bar(middles, errors, width=0.8 / BINS, color=BLUE, label="mean error (share of positions)")
    shares = positions / positions.sum()
    labels = ["<1 %" if share < 0.01 else f"{100 * share:.0f} %" for share in shares]
    axes.bar_label(bars, labels, fontsize=8, padding=2)
    # Leaves room for the shares above bars of any height.
    axes.set_ylim(0, 1.15 * max(float(errors.max()), 0.1))
    axes.set_ylabel("mean error [px]")
