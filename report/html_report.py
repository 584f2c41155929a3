"""Writes report.html: the results of a model on one self-contained page."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from evaluation.confidence import WITHIN
from evaluation.pixel_errors import ErrorSummary
from evaluation.scores import Scores
from model.training.time_spent import TimeSpent
from pipeline.joints import JOINT_NAMES
from report.error_table import table_cells
from report.overlays import PREDICTION, TRUTH, data_url, draw_frames
from report.plots import NARROW, WIDE, HistoryRow, accuracy_figure, confidence_figure, loss_figure, svg_bytes
from support.atomic_write import atomic_write
from support.deferred_module import DeferredModule
from support.machine import describe_machine

if TYPE_CHECKING:
    import jinja2
    from matplotlib.figure import Figure
else:
    jinja2 = DeferredModule("jinja2")

TEMPLATE = "html_report.html.jinja"
UNITS = {"time_limit": "s"}
MOST_VIDEOS = 20
# The columns of the table of videos, and the joints of which each shows the mean error.
JOINT_GROUPS = {
    "head": ["head"],
    **{f"{part}s": [f"right {part}", f"left {part}"] for part in ("wrist", "elbow", "shoulder")},
}


@dataclass(frozen=True)
class TrainingReport:
    """The part of a report about the training run."""

    summary: str  # sentences
    history: Sequence[HistoryRow]  # the rows of history.csv
    settings: Mapping[str, Any]
    spent: TimeSpent | None = None


@dataclass(frozen=True)
class Report:
    """The contents of a report."""

    title: str
    scores: Scores
    data: str  # sentences on the scored data and on what it shares with the training data
    training: TrainingReport | None = None  # None if unknown
    card: Sequence[tuple[str, str]] = ()  # the model card: pairs of a name and a value
    warning: str | None = None  # a sentence without its full stop


def write_html_report(path: str, report: Report) -> str:
    """Writes a report to `path` atomically and returns `path`. Raises OSError if it cannot be written.

    The page loads nothing from the network or the disk. It contains at most 60 frames and three plots, each
    for wide and for narrow windows, so its size does not depend on the data set's.
    """
    folder = os.path.dirname(os.path.abspath(__file__))
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(folder),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    page = environment.get_template(TEMPLATE).render(_template_variables(report))
    with atomic_write(path) as partial, open(partial, "w", encoding="utf-8", newline="\n") as file:
        file.write(page)
    return path


def _template_variables(report: Report) -> dict[str, Any]:
    scores, training = report.scores, report.training
    errors = table_cells(scores.summary, scores.mean_pose)
    loss = training and partial(loss_figure, training.history, scores.mean_pose["mean_pixel_error"])
    return {
        "title": report.title,
        "data": report.data,
        "sequences_scored": scores.summary["sequences"],
        "warning": report.warning,
        "training": training and training.summary,
        "spent": training and training.spent and _parts_of_time(training.spent),
        "loss_plot": loss and _plot(loss),
        "predictions": draw_frames(scores.examples),
        "accuracy_plot": _plot(partial(accuracy_figure, scores.curves, scores.summary["pixel_error"])),
        "error_table": errors,
        "mean": errors[-1],
        "bars": _bars(scores.summary, scores.mean_pose),
        "confidence_plot": scores.confidence and _plot(partial(confidence_figure, scores.confidence)),
        "within": WITHIN,
        "sequences": [(one.title, draw_frames(one)) for one in scores.sequences],
        "worst": list(zip(scores.worst.titles or (), draw_frames(scores.worst), strict=True)),
        "video_table": _video_rows(scores.video_joint_errors),
        "videos_scored": len(scores.video_joint_errors),
        "video_columns": ["video", "all joints", *JOINT_GROUPS],
        "settings": training and _settings(training.settings),
        "machine": describe_machine(),
        "card": list(report.card),
        "truth_colour": TRUTH["color"],
        "prediction_colour": PREDICTION["color"],
    }


def _plot(draw: Callable[..., Figure]) -> dict[str, str]:
    """data: URLs of a figure of both widths. draw: takes the width in inches."""
    widths = {"wide": WIDE, "narrow": NARROW}
    return {name: data_url("image/svg+xml", svg_bytes(draw(width=width))) for name, width in widths.items()}


def _video_rows(video_joint_errors: Mapping[int, np.ndarray]) -> list[tuple[int, list[float]]]:
    """For each of the worst videos: its number, its mean error, and those of JOINT_GROUPS, in pixels."""
    groups = [[JOINT_NAMES.index(joint) for joint in joints] for joints in JOINT_GROUPS.values()]
    rows = [
        (video, [errors.mean(), *(errors[group].mean() for group in groups)])
        for video, errors in video_joint_errors.items()
    ]
    return rows[:MOST_VIDEOS]


def _bars(model: ErrorSummary, mean_pose: ErrorSummary) -> list[list[float]]:
    """For each joint, the lengths of the model's and the mean pose's bars, in percent of the longest bar."""
    both = [(model["pixel_error"][joint], mean_pose["pixel_error"][joint]) for joint in JOINT_NAMES]
    longest = max(map(max, both)) or 1.0
    return [[round(100 * error / longest, 1) for error in errors] for errors in both]


def _settings(settings: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Pairs of a name and a value. File names lack their folders, which are the user's private data."""
    return [(name.replace("_", " "), _setting(name, value)) for name, value in settings.items()]


def _setting(name: str, value: Any) -> str:
    if value is None or value == []:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(map(_without_folders, value))
    return " ".join([_without_folders(value), *([UNITS[name]] if name in UNITS else [])])


def _parts_of_time(spent: TimeSpent) -> list[tuple[str, float, float]]:
    """What the time of the command was spent on, with seconds and the percentage; empty if nothing was trained."""
    seconds = vars(spent)
    total = sum(seconds.values())
    return [
        (f"{name}{' for data' * (name == 'waiting')}", one, 100 * one / total) for name, one in seconds.items() if total
    ]


def _without_folders(value: Any) -> str:
    return re.split(r"[/\\]", str(value))[-1]
