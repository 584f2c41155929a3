"""Draws true and predicted poses on frames: in a matplotlib Figure, and as PNG and SVG paths for web pages."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from evaluation.examples import FrameExamples, SequenceExample
from evaluation.pixel_errors import mean_distances
from pipeline.joints import JOINT_NAMES, LIMBS
from support.deferred_module import DeferredModule

if TYPE_CHECKING:
    from matplotlib import figure as matplotlib_figure
    from matplotlib import image as matplotlib_image
    from matplotlib import patheffects
    from matplotlib.axes import Axes
else:
    matplotlib_figure = DeferredModule("matplotlib.figure")
    matplotlib_image = DeferredModule("matplotlib.image")
    patheffects = DeferredModule("matplotlib.patheffects")

# Web pages draw the same lines and joints: see frame_macros.html.jinja.
TRUTH: dict[str, Any] = {"color": "#56B4E9", "linestyle": "-", "marker": "o"}
PREDICTION: dict[str, Any] = {"color": "#F0E442", "linestyle": (0, (3, 1.5)), "marker": "s"}
OUTLINE: dict[str, Any] = {"markeredgecolor": "black", "markeredgewidth": 0.6}
COLUMNS = 5
PANEL_INCHES = 2.1


def overlays_figure(examples: FrameExamples) -> matplotlib_figure.Figure:
    """Draws a grid of frames, at least one, with truth and prediction on each.

    Limbs are cut off at the edge of the frame. Above each frame are its title, if it has one, and its mean pixel error.
    """
    errors = mean_distances(examples.predictions, examples.labels)
    columns = min(COLUMNS, len(examples.frames))
    rows = -(-len(examples.frames) // columns)
    width = max(columns * PANEL_INCHES, 4)
    figure = matplotlib_figure.Figure(figsize=(width, rows * (PANEL_INCHES + 0.25) + 0.4), layout="constrained")
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    for panel in panels:
        panel.set_axis_off()
    for number, (panel, frame) in enumerate(zip(panels, examples.frames, strict=False)):
        _show_frame(panel, frame)
        _draw_pose(panel, examples.labels[number], TRUTH)
        _draw_pose(panel, examples.predictions[number], PREDICTION)
        error = f"{errors[number]:.1f} px"
        panel.set_title(f"{examples.titles[number]}: {error}" if examples.titles else error, fontsize=9)
    _add_legend(figure, panels[0])
    return figure


def _show_frame(panel: Axes, frame: np.ndarray) -> None:
    height, width = frame.shape[:2]
    # In the labels, the middle of the first pixel is (0.5, 0.5). With imshow's default extent, it would be (0, 0).
    panel.imshow(frame, extent=(0, width, height, 0), interpolation="nearest")
    panel.set_xlim(0, width)
    panel.set_ylim(height, 0)
    panel.autoscale(False)


def _draw_pose(panel: Axes, pose: np.ndarray, style: dict[str, Any]) -> None:
    at = dict(zip(JOINT_NAMES, pose, strict=True))
    outline = [patheffects.withStroke(linewidth=3.2, foreground="black", alpha=0.6)]
    for limb in LIMBS:
        x, y = zip(*(at[joint] for joint in limb), strict=True)
        panel.plot(x, y, linewidth=1.6, path_effects=outline, **{**style, "marker": ""})
    panel.plot(*np.transpose(pose), markersize=4, **OUTLINE, **{**style, "linestyle": ""})


def _add_legend(figure: matplotlib_figure.Figure, panel: Axes) -> None:
    handles = []
    for label, style in (("truth", TRUTH), ("prediction", PREDICTION)):
        handles += panel.plot([], [], label=label, linewidth=2, markersize=5, **OUTLINE, **style)
    legend = figure.legend(handles=handles, loc="outside upper center", ncols=2, handlelength=3.5)
    legend.get_frame().set_facecolor("0.75")


@dataclass(frozen=True)
class DrawnPose:
    """Values for the attribute `d` of SVG paths, in pixels of the frame."""

    limbs: str
    joints: str  # a point at each joint


@dataclass(frozen=True)
class DrawnFrame:
    """A frame with the true and the predicted pose, for a web page."""

    png: str  # a data: URL
    width: int  # pixels
    height: int  # pixels
    truth: DrawnPose
    prediction: DrawnPose
    error: float  # mean over the joints, pixels


def draw_frame(frame: np.ndarray, label: np.ndarray, prediction: np.ndarray) -> DrawnFrame:
    """frame: uint8 (64, 64, 3). label, prediction: (7, 2), x and y in pixels."""
    file = io.BytesIO()
    matplotlib_image.imsave(file, frame, format="png", metadata={"Software": None})  # type: ignore[dict-item]
    return DrawnFrame(
        png=data_url("image/png", file.getvalue()),
        width=frame.shape[1],
        height=frame.shape[0],
        truth=_svg_pose(label),
        prediction=_svg_pose(prediction),
        error=float(mean_distances(prediction, label)),
    )


def draw_frames(examples: FrameExamples | SequenceExample) -> list[DrawnFrame]:
    return [draw_frame(*one) for one in zip(examples.frames, examples.labels, examples.predictions, strict=True)]


def _svg_pose(pose: np.ndarray) -> DrawnPose:
    at = {joint: f"{x:.2f} {y:.2f}" for joint, (x, y) in zip(JOINT_NAMES, pose, strict=True)}
    limbs = "".join(f"M{at[first]}L{at[second]}" for first, second in LIMBS)
    # Each joint is a very short line, of which the caps are seen. With length 0, square caps are missing in print.
    return DrawnPose(limbs, "".join(f"M{position}h.01" for position in at.values()))


def data_url(media_type: str, contents: bytes) -> str:
    """Encodes contents as a data: URL, so that a page needs no other file."""
    return f"data:{media_type};base64,{base64.b64encode(contents).decode('ascii')}"
