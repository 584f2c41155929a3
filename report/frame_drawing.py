"""A frame with the true and the predicted pose, as pieces of a web page: a PNG, and SVG paths to lay over it."""

import base64
import io
from typing import NamedTuple

import numpy as np
from matplotlib.image import imsave

from pipeline.joints import JOINT_NAMES, LIMBS


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


def draw_frame(frame, label, prediction):
    """frame: uint8 (64, 64, 3). label, prediction: (7, 2), x and y in pixels. Returns a DrawnFrame."""
    error = np.linalg.norm(np.asarray(prediction, np.float64) - label, axis=-1).mean()
    file = io.BytesIO()
    imsave(file, frame, format="png", metadata={"Software": None})
    png, (height, width, _) = data_address("image/png", file.getvalue()), frame.shape
    return DrawnFrame(png, width, height, draw_pose(label), draw_pose(prediction), float(error))


def draw_pose(pose):
    """(7, 2), x and y in pixels → DrawnPose."""
    at = {joint: f"{x:.2f} {y:.2f}" for joint, (x, y) in zip(JOINT_NAMES, pose)}
    limbs = "".join(f"M{at[first]}L{at[second]}" for first, second in LIMBS)
    # A line of hardly any length is drawn as its caps, a dot or a square; of no length, printed squares would be missing.
    return DrawnPose(limbs, "".join(f"M{position}h.01" for position in at.values()))


def data_address(media_type, contents):
    """bytes → an address that holds them, so that a page needs no other file."""
    return f"data:{media_type};base64,{base64.b64encode(contents).decode('ascii')}"
