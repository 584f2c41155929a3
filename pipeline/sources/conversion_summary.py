"""What to tell the user about a conversion: lines and warnings, which the commands print."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from pipeline.sequence_shape import COURSE_SHAPE
from pipeline.sources.annotated_pictures import WrittenPart
from pipeline.sources.label_range import FAR_OUTSIDE, LabelRange
from pipeline.sources.pickle_conversion import ConvertedPickle
from pipeline.store.writer import StoredCounts

if TYPE_CHECKING:
    from _typeshed import StrPath


class ConversionSummary(NamedTuple):
    """lines: of the figures, in order. warnings: of what looks wrong, a line each."""

    lines: list[str]
    warnings: list[str]


def summarize_pickle(source: StrPath, destination: StrPath, converted: ConvertedPickle) -> ConversionSummary:
    """The summary of a pickle at the path `source` that was converted to `destination`."""
    arrays, counts, label_range = converted
    sizes = os.path.getsize(source), os.path.getsize(destination)
    lines = _figures(*sizes, counts, label_range, COURSE_SHAPE.length)
    if arrays.frames_dtype == "int8":
        lines.append("The frames are int8: their bytes were reinterpreted as uint8, none was changed.")
    if arrays.labels_dtype.itemsize == 8:
        rounding = label_range.largest_rounding
        lines.append(f"The labels are float64: rounding to float32 moved them by {rounding:.2g} px at most.")
    return ConversionSummary(lines, _labels_outside(label_range))


def summarize_part(part: WrittenPart, frames_per_sequence: int) -> ConversionSummary:
    """The summary of one file that a release was converted to."""
    sizes = part.source_size, os.path.getsize(part.path)
    lines = _figures(*sizes, part.counts, part.label_range, frames_per_sequence)
    warnings = _labels_outside(part.label_range)
    if part.in_two_videos:
        warnings.append(f"{part.in_two_videos} frames are in more than one video, pixel for pixel; videos stay apart")
    return ConversionSummary(lines, warnings)


def _figures(
    size_before: int, size_after: int, counts: StoredCounts, label_range: LabelRange, frames_per_sequence: int
) -> list[str]:
    """A line for each figure. Sizes are in bytes."""
    before, after = size_before / 1e6, size_after / 1e6
    return [
        f"sequences         {counts.sequences}",
        f"different frames  {counts.frames} of {frames_per_sequence * counts.sequences}",
        f"videos            {counts.videos}",
        f"labels            {label_range.minimum:.2f} to {label_range.maximum:.2f} px",
        f"size              {before:.1f} MB before, {after:.1f} MB after: {before / after:.1f} to 1",
    ]


def _labels_outside(label_range: LabelRange) -> list[str]:
    """A warning of label coordinates that cannot be right, if there are any."""
    if not label_range.far_outside:
        return []
    return [f"{label_range.far_outside} label coordinates lie over {FAR_OUTSIDE} px outside the frame"]
