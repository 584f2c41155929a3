"""Writes metrics.json and the plots of a model's scores."""

import json
import os

from evaluation.scores import Scores
from report.overlays import overlays_figure
from report.plots import accuracy_figure, write_png
from support.atomic_write import atomic_write


def write_score_files(folder: str, scores: Scores) -> list[str]:
    """Writes metrics.json, plots/accuracy.png, plots/predictions.png and plots/worst.png; returns their paths.

    Raises OSError if one cannot be written.
    """
    plots = os.path.join(folder, "plots")
    os.makedirs(plots, exist_ok=True)
    metrics = os.path.join(folder, "metrics.json")
    with atomic_write(metrics) as partial, open(partial, "w", encoding="utf-8") as file:
        json.dump(scores.metrics(), file, indent=2)
    return [
        metrics,
        write_png(os.path.join(plots, "accuracy.png"), accuracy_figure(scores.curves, scores.summary["pixel_error"])),
        write_png(os.path.join(plots, "predictions.png"), overlays_figure(scores.examples)),
        write_png(os.path.join(plots, "worst.png"), overlays_figure(scores.worst)),
    ]
