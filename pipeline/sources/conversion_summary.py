"""What a conversion reports: the counts and sizes, the range of the labels, and warnings about implausible data."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pipeline.joints import JOINT_NAMES
from pipeline.sequence_shape import COURSE_SHAPE, SequenceShape
from pipeline.store.writer import StoredCounts
from support.user_error import UserError

if TYPE_CHECKING:
    from _typeshed import StrPath

FAR_OUTSIDE = 64  # pixels


class LabelRange:
    """The range of a data set's labels in pixels, collected block by block. shape: of the labelled sequences."""

    def __init__(self, shape: SequenceShape = COURSE_SHAPE) -> None:
        self.minimum = math.inf  # of all coordinates
        self.maximum = -math.inf
        self.far_outside = 0  # the number of coordinates more than FAR_OUTSIDE pixels outside the frame
        self.largest_rounding = 0.0  # the largest change of a coordinate by rounding to float32, in pixels
        self._shape = shape
        self._sequences = 0
        self._not_finite = 0
        self._first_not_finite = ""

    def add(self, labels: np.ndarray) -> np.ndarray:
        """Adds labels, float32 or float64 (S, 10, 7, 2), x then y; returns them as native float32."""
        with np.errstate(over="ignore", invalid="ignore"):
            rounded = labels.astype(np.float32)
        finite = np.isfinite(rounded)
        if not finite.all():
            if not self._not_finite:
                sequence, frame, joint, axis = np.argwhere(~finite)[0].tolist()
                self._first_not_finite = (
                    f"sequence {self._sequences + sequence}, frame {frame}, {JOINT_NAMES[joint]}, {'xy'[axis]}"
                )
            self._not_finite += int((~finite).sum())
        elif len(labels):
            self.minimum = min(self.minimum, float(rounded.min()))
            self.maximum = max(self.maximum, float(rounded.max()))
            self.largest_rounding = max(self.largest_rounding, float(np.abs(labels - rounded).max()))
            far_right_and_down = np.array([self._shape.width, self._shape.height], np.float32) + FAR_OUTSIDE
            outside = (rounded < -FAR_OUTSIDE) | (rounded > far_right_and_down)
            self.far_outside += int(outside.sum())
        self._sequences += len(labels)
        return rounded

    def require_finite(self) -> None:
        """Raises UserError if any label was NaN, infinite, or too large for float32."""
        if self._not_finite:
            raise UserError(
                f"{self._not_finite} of the labels are not finite numbers, the first at {self._first_not_finite}; "
                "remove these sequences from the source and convert it again"
            )


@dataclass(frozen=True)
class ConversionSummary:
    path: StrPath  # the file that was written
    lines: list[str]
    warnings: list[str]


def summarize(
    path: StrPath, written: StrPath, source_size: int, counts: StoredCounts, label_range: LabelRange, length: int
) -> ConversionSummary:
    """The summary of a complete file.

    path: its final path. written: its temporary path. source_size: in bytes. length: the frames of a sequence.
    """
    before, after = source_size / 1e6, os.path.getsize(written) / 1e6
    lines = [
        f"sequences        {counts.sequences}",
        f"distinct frames  {counts.frames} of {length * counts.sequences}",
        f"videos           {counts.videos}",
        f"labels           {label_range.minimum:.2f} to {label_range.maximum:.2f} px",
        f"size             {before:.1f} MB before, {after:.1f} MB after (ratio {before / after:.1f})",
    ]
    warnings = []
    if label_range.far_outside:
        warnings.append(f"{label_range.far_outside} label coordinates lie more than {FAR_OUTSIDE} px outside the frame")
    return ConversionSummary(path, lines, warnings)
