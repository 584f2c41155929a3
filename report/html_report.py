"""Writes report.html: the results of a model on one self-contained page."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from evaluation.confidence import WITHIN
from evaluation.pixel_errors import ErrorSummary
from evaluation.scores import Scores
from pipeline.joints import JOINT_NAMES
from report.error_table import LISTED_THRESHOLDS, format_share, mean_share_within, table_cells, worst_videos
from report.overlays import PREDICTION, TRUTH, data_url, draw_frames
from report.plots import HistoryRow, accuracy_figure, confidence_figure, loss_figure, svg_bytes
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


@dataclass(frozen=True)
class TrainingReport:
    """The part of a report about the training run."""

    summary: str  # sentences
    history: Sequence[HistoryRow]  # the rows of history.csv
    settings: Mapping[str, Any]  # those of config.json


@dataclass(frozen=True)
class Report:
    """The contents of a report."""

    title: str
    scores: Scores
    data: str  # lines that describe the scored data and what it shares with the training data
    training: TrainingReport | None = None  # None if unknown
    provenance: Sequence[tuple[str, str]] = ()  # pairs of a name and a value


def write_html_report(path: str, report: Report) -> str:
    """Writes a report to `path` atomically and returns `path`. Raises OSError if it cannot be written.

    The page loads nothing from the network or the disk. It contains at most 45 frames and three plots, so its size does
    not depend on the data set's.
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
    return {
        "title": report.title,
        "data": report.data,
        "sequences_scored": scores.summary["sequences"],
        "summary": _summary_rows(scores.summary, scores.mean_pose),
        "training": training and training.summary,
        "loss_plot": training and _svg_url(loss_figure(training.history, scores.mean_pose["mean_pixel_error"])),
        "accuracy_plot": _svg_url(accuracy_figure(scores.summary)),
        "error_table": table_cells(scores.summary, scores.mean_pose),
        "bars": _bars(scores.summary, scores.mean_pose),
        "confidence_plot": scores.confidence and _svg_url(confidence_figure(scores.confidence)),
        "within": WITHIN,
        "sequences": [(one.title, draw_frames(one)) for one in scores.sequences],
        "worst": list(zip(scores.worst.titles or (), draw_frames(scores.worst), strict=True)),
        "worst_videos": worst_videos(scores.video_pixel_error),
        "settings": training and _settings(training.settings),
        "machine": describe_machine(),
        "provenance": list(report.provenance),
        "truth_colour": TRUTH["color"],
        "prediction_colour": PREDICTION["color"],
    }


def _summary_rows(model: ErrorSummary, mean_pose: ErrorSummary) -> list[tuple[str, ...]]:
    """Rows of three texts: a name, the model's value and the mean pose's."""
    both = (model, mean_pose)
    rows = [("mean pixel error", *(f"{summary['mean_pixel_error']:.2f} px" for summary in both))]
    for threshold in LISTED_THRESHOLDS:
        shares = [format_share(mean_share_within(summary, threshold)) for summary in both]
        rows.append((f"joints within {threshold} px", *shares))
    return rows


def _svg_url(figure: Figure) -> str:
    return data_url("image/svg+xml", svg_bytes(figure))


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
        return ", ".join(map(str, value))
    return " ".join([re.split(r"[/\\]", str(value))[-1], *([UNITS[name]] if name in UNITS else [])])
