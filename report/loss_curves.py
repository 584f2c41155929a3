"""Training and validation loss, and the validation pixel error, over the iterations of a training run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from report.figure_file import write_png
from support.deferred_module import DeferredModule

if TYPE_CHECKING:
    from matplotlib import figure as matplotlib_figure
    from matplotlib import ticker
else:
    matplotlib_figure = DeferredModule("matplotlib.figure")
    ticker = DeferredModule("matplotlib.ticker")

# A row of history.csv.
HistoryRow = Mapping[str, float]

TRAINING, VALIDATION, MEAN_POSE = "#0072B2", "#D55E00", "#000000"  # of Okabe and Ito's colour-blind-safe palette


def draw_loss_curves(path: str, history: Sequence[HistoryRow], mean_pose_pixel_error: float | None = None) -> str:
    """Writes `loss_curves_figure` as a PNG file and returns its path; raises OSError where it cannot be written."""
    return write_png(path, loss_curves_figure(history, mean_pose_pixel_error))


def loss_curves_figure(
    history: Sequence[HistoryRow], mean_pose_pixel_error: float | None = None
) -> matplotlib_figure.Figure:
    """The losses in px² on a logarithmic axis above, the validation pixel error below; returns a matplotlib Figure.

    history: a row for each evaluation, with at least the keys step, train_loss, validation_loss and
    validation_pixel_error. Where `mean_pose_pixel_error` is given, in pixels, a horizontal line
    shows what always predicting the mean pose gives.
    """
    steps = [row["step"] for row in history]
    figure = matplotlib_figure.Figure(figsize=(7, 7), layout="constrained")
    loss_axes, error_axes = figure.subplots(2, sharex=True)

    loss_axes.plot(steps, _column(history, "train_loss"), ".-", color=TRAINING, label="training")
    loss_axes.plot(steps, _column(history, "validation_loss"), "s--", color=VALIDATION, label="validation", ms=4)
    losses = _column(history, "train_loss") + _column(history, "validation_loss")
    if any(loss > 0 for loss in losses):  # Without any, matplotlib warns.
        loss_axes.set_yscale("log")
    loss_axes.yaxis.set_major_formatter("{x:g}")
    loss_axes.yaxis.set_minor_formatter(ticker.LogFormatter(minor_thresholds=(1.3, 0.5)))
    loss_axes.set_ylabel("loss: mean squared error [px²]")
    loss_axes.set_title("Loss and pixel error during training")

    pixel_errors = _column(history, "validation_pixel_error")
    error_axes.plot(steps, pixel_errors, "s--", color=VALIDATION, label="validation", ms=4)
    if mean_pose_pixel_error is not None:
        label = f"always the mean pose: {mean_pose_pixel_error:.1f} px"
        error_axes.axhline(mean_pose_pixel_error, color=MEAN_POSE, linestyle=":", label=label)
    error_axes.set_ylim(bottom=0)
    error_axes.set_ylabel("mean pixel error [px]")
    error_axes.set_xlabel("iterations")

    # Both curves fall from the upper left, which leaves these corners free.
    for axes, free_corner in ((loss_axes, "upper right"), (error_axes, "lower left")):
        axes.grid(alpha=0.3, which="both")
        axes.legend(loc=free_corner)
    return figure


def _column(history: Sequence[HistoryRow], name: str) -> list[float]:
    return [row[name] for row in history]
