"""The plots of a training run and of scores, as matplotlib Figures, PNG files or SVG."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from evaluation.confidence import BINS, WITHIN, ConfidenceTable
from evaluation.pixel_errors import ErrorSummary
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

# The colour-blind-safe palette of Okabe and Ito.
BLUE, VERMILION, GREEN, BLACK = "#0072B2", "#D55E00", "#009E73", "#000000"
JOINT_COLOURS = {"head": BLACK, "wrist": VERMILION, "elbow": BLUE, "shoulder": GREEN}
JOINT_MARKERS = {"head": "D", "wrist": "o", "elbow": "s", "shoulder": "^"}  # for readers who see no colours
POINTS_PER_MARKER = 4

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


def loss_figure(history: Sequence[HistoryRow], mean_pose_pixel_error: float | None = None) -> matplotlib_figure.Figure:
    """Plots the losses in px² on a logarithmic axis, and below them the validation pixel error.

    history: one row per evaluation. mean_pose_pixel_error: pixels; draws a horizontal line at the error of always
    predicting the mean pose.
    """
    steps = [row["step"] for row in history]
    figure = matplotlib_figure.Figure(figsize=(7, 7), layout="constrained")
    loss_axes, error_axes = figure.subplots(2, sharex=True)

    training_losses = [row["train_loss"] for row in history]
    validation_losses = [row["validation_loss"] for row in history]
    loss_axes.plot(steps, training_losses, ".-", color=BLUE, label="training")
    loss_axes.plot(steps, validation_losses, "s--", color=VERMILION, label="validation", ms=4)
    if any(loss > 0 for loss in training_losses + validation_losses):  # otherwise, matplotlib warns
        loss_axes.set_yscale("log")
    loss_axes.yaxis.set_major_formatter("{x:g}")
    loss_axes.yaxis.set_minor_formatter(ticker.LogFormatter(minor_thresholds=(1.3, 0.5)))
    loss_axes.set_ylabel("loss: mean squared error [px²]")
    loss_axes.set_title("Loss and pixel error during training")

    pixel_errors = [row["validation_pixel_error"] for row in history]
    error_axes.plot(steps, pixel_errors, "s--", color=VERMILION, label="validation", ms=4)
    if mean_pose_pixel_error is not None:
        label = f"always predicting the mean pose: {mean_pose_pixel_error:.1f} px"
        error_axes.axhline(mean_pose_pixel_error, color=BLACK, linestyle=":", label=label)
    error_axes.set_ylim(bottom=0)
    error_axes.set_ylabel("mean pixel error [px]")
    error_axes.set_xlabel("iterations")

    # Both curves fall from the upper left, so these corners are free.
    for axes, free_corner in ((loss_axes, "upper right"), (error_axes, "lower left")):
        axes.grid(alpha=0.3, which="both")
        axes.legend(loc=free_corner)
    return figure


def accuracy_figure(summary: ErrorSummary) -> matplotlib_figure.Figure:
    """Plots, for each joint, the percentage of frames within each distance. The legend has the mean pixel errors."""
    figure = matplotlib_figure.Figure(figsize=(7, 5), layout="constrained")
    axes = figure.subplots()
    thresholds = summary["accuracy"]["thresholds"]
    for joint in JOINT_NAMES:
        percentages = [100 * share for share in summary["accuracy"][joint]]
        label = f"{joint}, {summary['pixel_error'][joint]:.1f} px"
        axes.plot(thresholds, percentages, label=label, **_joint_style(joint))
    axes.set_xlim(thresholds[0], thresholds[-1])
    axes.set_ylim(0, 102)
    axes.xaxis.set_major_locator(ticker.MultipleLocator(2))
    axes.yaxis.set_major_locator(ticker.MultipleLocator(10))
    axes.set_xlabel("distance from the true joint [px]")
    axes.set_ylabel("frames within that distance [%]")
    axes.set_title("Accuracy of each joint")
    axes.grid(alpha=0.3)
    axes.legend(title="joint, mean pixel error", loc="lower right", handlelength=3.5)
    return figure


def _joint_style(joint: str) -> dict[str, Any]:
    """Left and right share colour and marker. The left side has dashed lines and hollow markers."""
    side, _, part = joint.rpartition(" ")
    left = side == "left"
    return {
        "color": JOINT_COLOURS[part],
        "linestyle": "--" if left else "-",
        "marker": JOINT_MARKERS[part],
        "markerfacecolor": "white" if left else JOINT_COLOURS[part],
        "markersize": 5,
        "markevery": (JOINT_NAMES.index(joint) % POINTS_PER_MARKER, POINTS_PER_MARKER),
    }


def confidence_figure(table: ConfidenceTable) -> matplotlib_figure.Figure:
    """Plots the mean error in each bin of confidence, and below it the share within WITHIN px.

    Above each bar is the bin's share of all positions. An empty bin has neither bar nor point.
    """
    figure = matplotlib_figure.Figure(figsize=(7, 6), layout="constrained")
    error_axes, share_axes = figure.subplots(2, sharex=True)
    edges = np.arange(BINS + 1) / BINS
    chosen = table.positions > 0
    middles = (edges[:-1] + edges[1:])[chosen] / 2
    _draw_error_bars(error_axes, middles, table.mean_errors[chosen], table.positions[chosen])

    share_axes.plot([0, 1], [0, 100], ":", color=BLACK, label="ideal: the share equals the confidence")
    label = f"positions within {WITHIN} px"
    share_axes.plot(middles, 100 * table.shares_within[chosen], "s--", color=VERMILION, label=label, ms=5)
    share_axes.set_xlim(0, 1)
    share_axes.set_xticks(edges)
    share_axes.set_ylim(0, 102)
    share_axes.set_xlabel("confidence")
    share_axes.set_ylabel(f"within {WITHIN} px [%]")
    for axes, free_corner in ((error_axes, "upper right"), (share_axes, "lower right")):
        axes.set_axisbelow(True)
        axes.grid(alpha=0.3)
        axes.legend(loc=free_corner)
    return figure


def _draw_error_bars(axes: Axes, middles: np.ndarray, errors: np.ndarray, positions: np.ndarray) -> None:
    bars = axes.bar(middles, errors, width=0.8 / BINS, color=BLUE, label="mean error (above: share of positions)")
    shares = positions / positions.sum()
    labels = ["<1 %" if share < 0.01 else f"{100 * share:.0f} %" for share in shares]
    axes.bar_label(bars, labels, fontsize=9, padding=2)
    # Leaves room for the legend above bars of any height.
    axes.set_ylim(0, 1.35 * max(float(errors.max()), 0.1))
    axes.set_ylabel("mean error [px]")
    axes.set_title(f"Error by confidence, {positions.sum():,} positions")
