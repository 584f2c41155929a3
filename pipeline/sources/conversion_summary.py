"""What a conversion reports: the counts and sizes, the range of the labels, and warnings about implausible data."""

from __future__ import annotations

import math
import os
import shlex
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pipeline.joints import JOINT_NAMES
from pipeline.store.writer import StoredCounts
from support.user_error import UserError, print_warning

if TYPE_CHECKING:
    from _typeshed import StrPath


class LabelRange:
    """The range of a data set's labels in pixels, collected block by block."""

    def __init__(self) -> None:
        self.minimum = math.inf  # of all coordinates
        self.maximum = -math.inf
        self.largest_rounding = 0.0  # the largest change of a coordinate by rounding to float32, in pixels
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
        self._sequences += len(labels)
        return rounded

    def require_finite(self) -> None:
        """Raises UserError if any label was NaN, infinite, or too large for float32."""
        if self._not_finite:
            raise UserError(
                f"{self._not_finite} of the labels are not finite numbers, the first at {self._first_not_finite}; "
                "remove these sequences from the source and convert it again"
            )


def print_summary(lines: Iterable[str], warnings: Iterable[str], path: StrPath) -> None:
    """Prints what a conversion reports about the file at `path`, which it wrote."""
    print("\n".join(lines))
    for warning in warnings:
        print_warning(warning)
    print(f"wrote {path}")


def look_at(path: StrPath) -> str:
    """The command that shows the data of a store on a page."""
    data = os.fspath(path)
    return f"python inspect_h5.py {shlex.quote(data)} --out {shlex.quote(os.path.splitext(data)[0] + '.html')}"


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
        f"look at it       {look_at(path)}",
    ]
    return ConversionSummary(path, lines, list(counts.warnings))
