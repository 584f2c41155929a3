"""report.html: what a model comes to, on one page that holds all it shows, to hand in, to read and to print."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from evaluation.confidence import WITHIN
from evaluation.confidence_bins import ConfidenceTable
from evaluation.pixel_errors import Summary
from evaluation.scores import Scores
from pipeline.joints import JOINT_NAMES
from report.accuracy_curves import accuracy_curves_figure
from report.confidence_bars import confidence_figure
from report.figure_file import svg_bytes
from report.frame_drawing import DrawnFrame, data_address, draw_frame
from report.loss_curves import HistoryRow, loss_curves_figure
from report.overlays import PREDICTION, TRUTH
from report.table import LISTED_THRESHOLDS, format_share, mean_share_within, table_cells
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


class TrainingStory(NamedTuple):
    """What a report says of the training.

    summary: a sentence. history: the rows of history.csv. settings: those of config.json.
    """

    summary: str
    history: Sequence[HistoryRow]
    settings: Mapping[str, Any]


class Report(NamedTuple):
    """What a report shows.

    title: text. scores: of the model. data: lines on what was scored and what it shares with the training data.
    training: None where it is not known. identity: pairs of a name and a text, as `identity_of` gives them.
    """

    title: str
    scores: Scores
    data: str
    training: TrainingStory | None = None
    identity: Sequence[tuple[str, str]] = ()


def write_html_report(path: str, report: Report) -> str:
    """Writes a Report to `path` atomically and returns `path`; raises OSError where it cannot be written.

    The page loads nothing from the network or the disk. Its size is that of about 45 frames and three plots, whatever
    the size of the data set.
    """
    folder = os.path.dirname(os.path.abspath(__file__))
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(folder),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    page = environment.get_template(TEMPLATE).render(_shown(report))
    with atomic_write(path) as partial, open(partial, "w", encoding="utf-8", newline="\n") as file:
        file.write(page)
    return path


def _shown(report: Report) -> dict[str, Any]:
    """The variables of the template."""
    scores, training = report.scores, report.training
    worst = scores.worst
    return {
        "title": report.title,
        "data": report.data,
        "sequences_scored": scores.summary["sequences"],
        "summary": _summary(scores.summary, scores.mean_pose),
        "training": training and training.summary,
        "loss_curves": _loss_curves(training, scores.mean_pose),
        "accuracy_curves": _svg_address(accuracy_curves_figure(scores.summary)),
        "error_table": table_cells(scores.summary, scores.mean_pose),
        "bars": _bars(scores.summary, scores.mean_pose),
        "confidence": _confidence(scores.confidence),
        "within": WITHIN,
        "sequences": [(shown.title, _frames(*shown[1:])) for shown in scores.sequences],
        "worst": list(zip(worst.titles or (), _frames(*worst[:3]), strict=True)),
        "hardest": scores.hardest,
        "settings": training and _settings(training.settings),
        "machine": describe_machine(),
        "identity": list(report.identity),
        "truth_colour": TRUTH["color"],
        "prediction_colour": PREDICTION["color"],
    }


def _summary(model: Summary, mean_pose: Summary) -> list[tuple[str, ...]]:
    """Rows of three texts: what it is, the model's and the mean pose's."""
    both = (model, mean_pose)
    rows = [("mean pixel error", *(f"{summary['mean_pixel_error']:.2f} px" for summary in both))]
    for threshold in LISTED_THRESHOLDS:
        shares = [format_share(mean_share_within(summary, threshold)) for summary in both]
        rows.append((f"joints within {threshold} px", *shares))
    return rows


def _loss_curves(training: TrainingStory | None, mean_pose: Summary) -> str | None:
    if training is None:
        return None
    return _svg_address(loss_curves_figure(training.history, mean_pose["mean_pixel_error"]))


def _confidence(table: ConfidenceTable | None) -> str | None:
    return None if table is None else _svg_address(confidence_figure(table))


def _svg_address(figure: Figure) -> str:
    return data_address("image/svg+xml", svg_bytes(figure))


def _bars(model: Summary, mean_pose: Summary) -> list[list[float]]:
    """For each joint the lengths of the model's and the mean pose's bar, in percent of the longest."""
    both = [(model["pixel_error"][joint], mean_pose["pixel_error"][joint]) for joint in JOINT_NAMES]
    longest = max(map(max, both)) or 1.0
    return [[round(100 * error / longest, 1) for error in errors] for errors in both]


def _frames(frames: np.ndarray, labels: np.ndarray, predictions: np.ndarray) -> list[DrawnFrame]:
    return [draw_frame(*one) for one in zip(frames, labels, predictions, strict=True)]


def _settings(settings: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Pairs of texts, without the folders that files lie in, which are the user's own."""
    return [(name.replace("_", " "), _setting(name, value)) for name, value in settings.items()]


def _setting(name: str, value: Any) -> str:
    if value is None or value == []:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return " ".join([re.split(r"[/\\]", str(value))[-1], *([UNITS[name]] if name in UNITS else [])])
