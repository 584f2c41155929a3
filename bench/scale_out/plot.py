"""Sequences a second over the number of machines: lines of the model, and points that were measured."""

from __future__ import annotations

from matplotlib.figure import Figure

from report.figure_file import write_png
from scale_out.measurement import Measurements
from scale_out.model import speed
from scale_out.reach import BATCHES, MACHINES, NETWORKS

# Of Okabe and Ito's colour-blind-safe palette: a colour for each network, a dash for each batch.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
DASHES = ("-", "--", ":")
MARKS = "osD^vP"


def draw(path: str, found: Measurements) -> str:
    """Writes the figure as a PNG file and returns its path."""
    figure = Figure(figsize=(9, 8), layout="constrained")
    above, below = figure.subplots(2)
    for (name, network), colour in zip(NETWORKS.items(), COLOURS, strict=False):
        for times, dash in zip(BATCHES, DASHES, strict=True):
            batch = found.batch * times
            speeds = [speed(machines, batch, found.computing, found.gradient, network) for machines in MACHINES]
            above.plot(MACHINES, speeds, dash, color=colour, label=f"{name}, batch of {batch}")
    above.set(title=f"{found.network}: what the model says", yscale="log")

    numbers = sorted({1, *(one.workers for one in found.several)})
    for place, network in enumerate(dict.fromkeys(one.network for one in found.several)):
        points = [one for one in found.several if one.network == network]
        style = {"color": COLOURS[place % len(COLOURS)], "marker": MARKS[place % len(MARKS)]}
        said = [speed(number, found.batch, found.computing, found.gradient, points[0].met) for number in numbers]
        below.plot(numbers, said, "--", color=style["color"])
        speeds = [found.batch / one.seconds for one in points]
        below.plot([one.workers for one in points], speeds, linestyle="", label=str(network), **style)
    below.plot(1, found.batch / found.computing.seconds(1, found.batch), "k*", ms=10, label="one worker")
    below.set(title=f"measured, batch of {found.batch}: points; the model: dashed", ylim=(0, None))
    for axes, machines in ((above, MACHINES), (below, numbers)):
        axes.set(xlabel="machines, or workers with a core each", ylabel="sequences/s", xscale="log")
        axes.set_xticks(machines, map(str, machines), minor=False)
        axes.minorticks_off()
        axes.yaxis.set_major_formatter("{x:g}")
        axes.grid(alpha=0.3)
        axes.legend(loc="center left", bbox_to_anchor=(1.01, 0.5), fontsize=8)
    return write_png(path, figure)
