"""A frame with the true and the predicted pose, as pieces of a web page: a PNG, and SVG paths to lay over it."""

from __future__ import annotations

import base64
import io
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from evaluation.distance import mean_distances
from pipeline.joints import JOINT_NAMES, LIMBS
from support.deferred_module import DeferredModule

if TYPE_CHECKING:
    from matplotlib import image as matplotlib_image
else:
    matplotlib_image = DeferredModule("matplotlib.image")


class DrawnPose(NamedTuple):
    """What the attribute `d` of SVG paths takes, in pixels of the frame: the limbs, and a point at each joint."""

    limbs: str
    joints: str


class DrawnFrame(NamedTuple):
    """png: a data: address. width, height, error, the mean over the joints: pixels."""

    png: str
    width: int
    height: int
    truth: DrawnPose
    prediction: DrawnPose
    error: float


def draw_frame(frame: np.ndarray, label: np.ndarray, prediction: np.ndarray) -> DrawnFrame:
    """frame: uint8 (64, 64, 3). label, prediction: (7, 2), x and y in pixels. Returns a DrawnFrame."""
    error = mean_distances(prediction, label)
    file = io.BytesIO()
    matplotlib_image.imsave(file, frame, format="png", metadata={"Software": None})  # type: ignore[dict-item]
    png, (height, width, _) = data_address("image/png", file.getvalue()), frame.shape
    return DrawnFrame(png, width, height, draw_pose(label), draw_pose(prediction), float(error))


def draw_pose(pose: np.ndarray) -> DrawnPose:
    """(7, 2), x and y in pixels → DrawnPose."""
    at = {joint: f"{x:.2f} {y:.2f}" for joint, (x, y) in zip(JOINT_NAMES, pose, strict=True)}
    limbs = "".join(f"M{at[first]}L{at[second]}" for first, second in LIMBS)
    # A line of hardly any length is drawn as its caps, a dot or a square; with no length, printed squares are missing.
    return DrawnPose(limbs, "".join(f"M{position}h.01" for position in at.values()))


def data_address(media_type: str, contents: bytes) -> str:
    """bytes → an address that holds them, so that a page needs no other file."""
    return f"data:{media_type};base64,{base64.b64encode(contents).decode('ascii')}"
