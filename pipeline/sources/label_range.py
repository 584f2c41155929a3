"""What there is to say of a data set's labels: their range, and how many cannot be right."""

import numpy as np

from command_line.user_error import UserError
from pipeline.joints import JOINT_NAMES
from pipeline.sequence_shape import COURSE_SHAPE

FAR_OUTSIDE = 64


class LabelRange:
    """Gathers, block by block, the range of labels in pixels.

    minimum, maximum: of all coordinates; far_outside: how many coordinates lie over 64 pixels outside the frame;
    largest_rounding: the most that any of them changed when it became float32. shape: SequenceShape of the labels.
    """

    def __init__(self, shape=COURSE_SHAPE):
        self._shape = shape
        self.minimum = np.inf
        self.maximum = -np.inf
        self.far_outside = 0
        self.largest_rounding = 0.0
        self._sequences = 0
        self._not_finite = 0
        self._first_not_finite = None

    def add(self, labels):
        """Takes labels (S, 10, 7, 2) float32 or float64, x then y; returns them as native float32."""
        with np.errstate(over="ignore", invalid="ignore"):
            rounded = labels.astype(np.float32)
        finite = np.isfinite(rounded)
        if not finite.all():
            self._count_not_finite(finite)
        elif len(labels):
            self.minimum = min(self.minimum, float(rounded.min()))
            self.maximum = max(self.maximum, float(rounded.max()))
            self.largest_rounding = max(self.largest_rounding, float(np.abs(labels - rounded).max()))
            far_right_and_down = np.float32([self._shape.width, self._shape.height]) + FAR_OUTSIDE
            outside = (rounded < -FAR_OUTSIDE) | (rounded > far_right_and_down)
            self.far_outside += int(outside.sum())
        self._sequences += len(labels)
        return rounded

    def _count_not_finite(self, finite):
        if self._first_not_finite is None:
            sequence, frame, joint, axis = np.argwhere(~finite)[0].tolist()
            self._first_not_finite = (self._sequences + sequence, frame, JOINT_NAMES[joint], "xy"[axis])
        self._not_finite += int((~finite).sum())

    def check_finite(self):
        """Raises UserError if any label was NaN, infinite, or too large for float32."""
        if self._not_finite:
            sequence, frame, joint, axis = self._first_not_finite
            raise UserError(
                f"{self._not_finite} of the labels are not finite numbers, the first at sequence {sequence}, "
                f"frame {frame}, {joint}, {axis}; leave out those sequences and save the pickle again"
            )
