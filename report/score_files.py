"""metrics.json and the plots of what a model scores."""

import json
import os

from evaluation.scores import Scores
from report.accuracy_curves import draw_accuracy_curves
from report.overlays import draw_overlays
from support.atomic_write import atomic_write


def write_score_files(folder: str, scores: Scores) -> list[str]:
    """Writes metrics.json, plots/accuracy.png, plots/predictions.png and plots/worst.png; returns their paths.

    Raises OSError where one cannot be written.
    """
    plots = os.path.join(folder, "plots")
    os.makedirs(plots, exist_ok=True)
    metrics = os.path.join(folder, "metrics.json")
    with atomic_write(metrics) as partial, open(partial, "w", encoding="utf-8") as file:
        json.dump(scores.metrics(), file, indent=2)
    return [
        metrics,
        draw_accuracy_curves(os.path.join(plots, "accuracy.png"), scores.summary),
        draw_overlays(os.path.join(plots, "predictions.png"), *scores.examples),
        draw_overlays(os.path.join(plots, "worst.png"), *scores.worst),
    ]
