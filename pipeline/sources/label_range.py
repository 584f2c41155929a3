"""Statistics of a data set's labels: their range, and how many are implausible."""

from __future__ import annotations

import math

import numpy as np

from pipeline.joints import JOINT_NAMES
from pipeline.sequence_shape import COURSE_SHAPE, SequenceShape
from support.user_error import UserError

FAR_OUTSIDE = 64


class LabelRange:
    """Collects the range of labels in pixels, block by block.

    minimum, maximum: of all coordinates. far_outside: the number of coordinates that lie more than FAR_OUTSIDE pixels
    outside the frame. largest_rounding: the largest change of a coordinate by rounding to float32, in pixels. shape: of
    the labelled sequences.
    """

    def __init__(self, shape: SequenceShape = COURSE_SHAPE) -> None:
        self._shape = shape
        self.minimum = math.inf
        self.maximum = -math.inf
        self.far_outside = 0
        self.largest_rounding = 0.0
        self._sequences = 0
        self._not_finite = 0
        self._first_not_finite = ""

    def add(self, labels: np.ndarray) -> np.ndarray:
        """Adds labels, float32 or float64 (S, 10, 7, 2), x then y; returns them as native float32."""
        with np.errstate(over="ignore", invalid="ignore"):
            rounded = labels.astype(np.float32)
        finite = np.isfinite(rounded)
        if not finite.all():
            self._count_not_finite(finite)
        elif len(labels):
            self.minimum = min(self.minimum, float(rounded.min()))
            self.maximum = max(self.maximum, float(rounded.max()))
            self.largest_rounding = max(self.largest_rounding, float(np.abs(labels - rounded).max()))
            far_right_and_down = np.array([self._shape.width, self._shape.height], np.float32) + FAR_OUTSIDE
            outside = (rounded < -FAR_OUTSIDE) | (rounded > far_right_and_down)
            self.far_outside += int(outside.sum())
        self._sequences += len(labels)
        return rounded

    def _count_not_finite(self, finite: np.ndarray) -> None:
        if not self._not_finite:
            sequence, frame, joint, axis = np.argwhere(~finite)[0].tolist()
            self._first_not_finite = (
                f"sequence {self._sequences + sequence}, frame {frame}, {JOINT_NAMES[joint]}, {'xy'[axis]}"
            )
        self._not_finite += int((~finite).sum())

    def require_finite(self) -> None:
        """Raises UserError if any label was NaN, infinite, or too large for float32."""
        if self._not_finite:
            raise UserError(
                f"{self._not_finite} of the labels are not finite numbers, the first at {self._first_not_finite}; "
                "leave out those sequences and save the pickle again"
            )
