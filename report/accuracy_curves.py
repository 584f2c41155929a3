"""How many frames each joint is found in, over the distance from the truth that counts as found."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from evaluation.pixel_errors import Summary
from pipeline.joints import JOINT_NAMES
from report.figure_file import write_png
from support.deferred_module import DeferredModule

if TYPE_CHECKING:
    from matplotlib import figure as matplotlib_figure
    from matplotlib import ticker
else:
    matplotlib_figure = DeferredModule("matplotlib.figure")
    ticker = DeferredModule("matplotlib.ticker")

# Of Okabe and Ito's colour-blind-safe palette; the markers tell the pairs apart without colour.
COLOURS = {"head": "#000000", "wrist": "#D55E00", "elbow": "#0072B2", "shoulder": "#009E73"}
MARKERS = {"head": "D", "wrist": "o", "elbow": "s", "shoulder": "^"}
POINTS_PER_MARKER = 4


def draw_accuracy_curves(path: str, summary: Summary, title: str | None = None) -> str:
    """Writes `accuracy_curves_figure` as a PNG file and returns its path; raises OSError where it cannot be written."""
    return write_png(path, accuracy_curves_figure(summary, title))


def accuracy_curves_figure(summary: Summary, title: str | None = None) -> matplotlib_figure.Figure:
    """A curve for each of the seven joints; returns a matplotlib Figure.

    Of `summary`, as `PixelErrors` gives it, "accuracy" holds the thresholds in pixels and by joint the share of frames
    within each, and "pixel_error" by joint the mean pixel error, which the legend shows.
    """
    figure = matplotlib_figure.Figure(figsize=(7, 5), layout="constrained")
    axes = figure.subplots()
    thresholds = summary["accuracy"]["thresholds"]
    for joint in JOINT_NAMES:
        percentages = [100 * share for share in summary["accuracy"][joint]]
        label = f"{joint}, {summary['pixel_error'][joint]:.1f} px"
        axes.plot(thresholds, percentages, label=label, **_style(joint))
    axes.set_xlim(thresholds[0], thresholds[-1])
    axes.set_ylim(0, 102)
    axes.xaxis.set_major_locator(ticker.MultipleLocator(2))
    axes.yaxis.set_major_locator(ticker.MultipleLocator(10))
    axes.set_xlabel("largest distance from the true joint [px]")
    axes.set_ylabel("frames within that distance [%]")
    axes.set_title("Accuracy of each joint" if title is None else title)
    axes.grid(alpha=0.3)
    axes.legend(title="joint, mean pixel error", loc="lower right", handlelength=3.5)
    return figure


def _style(joint: str) -> dict[str, Any]:
    """The two sides of a pair share colour and marker; the left one is dashed and hollow."""
    side, _, part = joint.rpartition(" ")
    left = side == "left"
    return {
        "color": COLOURS[part],
        "linestyle": "--" if left else "-",
        "marker": MARKERS[part],
        "markerfacecolor": "white" if left else COLOURS[part],
        "markersize": 5,
        "markevery": (JOINT_NAMES.index(joint) % POINTS_PER_MARKER, POINTS_PER_MARKER),
    }
