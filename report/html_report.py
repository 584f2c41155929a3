"""report.html: what a run came to, on one page that holds all it shows, to hand in, to read and to print."""

import os
import re
from typing import NamedTuple

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from files.atomic_write import atomic_write
from machine.description import describe_machine
from pipeline.joints import JOINT_NAMES
from report.accuracy_curves import accuracy_curves_figure
from report.figure_file import svg_bytes
from report.frame_drawing import data_address, draw_frame
from report.loss_curves import loss_curves_figure
from report.overlays import PREDICTION, TRUTH
from report.table import LISTED_THRESHOLDS, format_share, mean_share_within, table_cells

TEMPLATE = "html_report.html.jinja"
UNITS = {"time_limit": "s"}


class Report(NamedTuple):
    """What a report shows.

    title: text. metrics: what metrics.json holds. mean_pose: the summary of the mean pose's errors. data: text, in
    lines, on what was scored and what it shares with what was trained on. hardest: a line, or None. sequences: list of
    ShownSequence. worst: frames (K, 64, 64, 3) uint8, labels and predictions (K, 7, 2), K titles. history: the rows of
    history.csv, or None. settings: the dict of config.json, or None.
    """

    title: str
    metrics: dict
    mean_pose: dict
    data: str
    hardest: str | None
    sequences: list
    worst: tuple
    history: list | None = None
    settings: dict | None = None


def write_html_report(path, report):
    """Writes a Report to `path`, whole or not at all, and returns `path`; raises OSError where it cannot be written.

    The page asks for nothing from the network or the disk. Its size is that of about 45 frames and two plots,
    whatever the data set's.
    """
    folder = os.path.dirname(os.path.abspath(__file__))
    environment = Environment(
        loader=FileSystemLoader(folder),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    page = environment.get_template(TEMPLATE).render(_shown(report))
    with atomic_write(path) as partial, open(partial, "w", encoding="utf-8", newline="\n") as file:
        file.write(page)
    return path


def _shown(report):
    """What the template names."""
    return {
        "title": report.title,
        "data": report.data,
        "sequences_scored": report.metrics["sequences"],
        "summary": _summary(report),
        "training": _training(report.history),
        "loss_curves": _loss_curves(report),
        "accuracy_curves": _svg_address(accuracy_curves_figure(report.metrics)),
        "error_table": table_cells(report.metrics, report.mean_pose),
        "bars": _bars(report.metrics, report.mean_pose),
        "sequences": [(sequence.title, _frames(*sequence[1:])) for sequence in report.sequences],
        "worst": list(zip(report.worst[3], _frames(*report.worst[:3]))),
        "hardest": report.hardest,
        "settings": _settings(report.settings),
        "machine": describe_machine(),
        "truth_colour": TRUTH["color"],
        "prediction_colour": PREDICTION["color"],
    }


def _summary(report):
    """Rows of three texts: what it is, the model's and the mean pose's."""
    both = (report.metrics, report.mean_pose)
    rows = [("mean pixel error", *(f"{summary['mean_pixel_error']:.2f} px" for summary in both))]
    for threshold in LISTED_THRESHOLDS:
        shares = [format_share(mean_share_within(summary, threshold)) for summary in both]
        rows.append((f"joints within {threshold} px", *shares))
    return rows


def _training(history):
    """A sentence on how long was trained and when the model was best, or None."""
    if not history:
        return None
    last, best = history[-1], min(history, key=lambda row: row["validation_pixel_error"])
    return (
        f"Trained for {last['step']} iterations in {last['seconds']:.0f} s; whole epochs: {last['epoch']}. "
        f"The model is that of iteration {best['step']}, the best of {len(history)} evaluations."
    )


def _loss_curves(report):
    if not report.history:
        return None
    return _svg_address(loss_curves_figure(report.history, report.mean_pose["mean_pixel_error"]))


def _svg_address(figure):
    return data_address("image/svg+xml", svg_bytes(figure))


def _bars(metrics, mean_pose):
    """For each joint the lengths of the model's and the mean pose's bar, in percent of the longest."""
    both = [(metrics["pixel_error"][joint], mean_pose["pixel_error"][joint]) for joint in JOINT_NAMES]
    longest = max(map(max, both)) or 1.0
    return [[round(100 * error / longest, 1) for error in errors] for errors in both]


def _frames(frames, labels, predictions):
    return [draw_frame(*one) for one in zip(frames, labels, predictions)]


def _settings(settings):
    """Pairs of texts, without the folders that files lie in, which are the user's own."""
    if settings is None:
        return None
    return [(name.replace("_", " "), _setting(name, value)) for name, value in settings.items()]


def _setting(name, value):
    if value is None or value == []:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return " ".join([re.split(r"[/\\]", str(value))[-1], *([UNITS[name]] if name in UNITS else [])])
