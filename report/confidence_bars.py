"""Whether positions of high confidence are near the true ones: errors by tenths of the confidence."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from evaluation.confidence import WITHIN
from evaluation.confidence_bins import BINS, ConfidenceTable
from support.deferred_module import DeferredModule

if TYPE_CHECKING:
    from matplotlib import figure as matplotlib_figure
    from matplotlib.axes import Axes
else:
    matplotlib_figure = DeferredModule("matplotlib.figure")

ERROR, SHARE, IDEAL = "#0072B2", "#D55E00", "#000000"  # of Okabe and Ito's colour-blind-safe palette
EDGES = np.arange(BINS + 1) / BINS


def confidence_figure(table: ConfidenceTable) -> matplotlib_figure.Figure:
    """The mean errors as bars above, the shares within WITHIN px below; returns a matplotlib Figure.

    Above each bar stands the share of the positions that have such a confidence. A bin without positions has neither
    bar nor point.
    """
    figure = matplotlib_figure.Figure(figsize=(7, 6), layout="constrained")
    error_axes, share_axes = figure.subplots(2, sharex=True)
    chosen = table.positions > 0
    middles = (EDGES[:-1] + EDGES[1:])[chosen] / 2
    _draw_errors(error_axes, middles, table.mean_errors[chosen], table.positions[chosen])

    share_axes.plot([0, 1], [0, 100], ":", color=IDEAL, label="as many as the confidence says")
    label = f"positions within {WITHIN} px"
    share_axes.plot(middles, 100 * table.shares_within[chosen], "s--", color=SHARE, label=label, ms=5)
    share_axes.set_xlim(0, 1)
    share_axes.set_xticks(EDGES)
    share_axes.set_ylim(0, 102)
    share_axes.set_xlabel("confidence")
    share_axes.set_ylabel(f"within {WITHIN} px [%]")
    for axes, free_corner in ((error_axes, "upper right"), (share_axes, "lower right")):
        axes.set_axisbelow(True)
        axes.grid(alpha=0.3)
        axes.legend(loc=free_corner)
    return figure


def _draw_errors(axes: Axes, middles: np.ndarray, errors: np.ndarray, positions: np.ndarray) -> None:
    bars = axes.bar(
        middles, errors, width=0.8 / BINS, color=ERROR, label="mean error; above it, the share of positions"
    )
    axes.bar_label(bars, [_percentage(share) for share in positions / positions.sum()], fontsize=9, padding=2)
    # Room for the legend above bars of any height.
    axes.set_ylim(0, 1.35 * max(float(errors.max()), 0.1))
    axes.set_ylabel("mean error [px]")
    axes.set_title(f"Error by confidence, {positions.sum():,} positions")


def _percentage(share: float) -> str:
    return "<1 %" if share < 0.01 else f"{100 * share:.0f} %"
