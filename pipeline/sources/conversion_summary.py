"""What a converter prints of the file that it wrote."""

import sys

from pipeline.sources.label_range import FAR_OUTSIDE


def print_counts(size_before, size_after, counts, label_range, frames_per_sequence):
    """Prints a line for each figure. Sizes are in bytes, counts are StoredCounts, label_range is a LabelRange."""
    print(f"sequences         {counts.sequences}")
    print(f"different frames  {counts.frames} of {frames_per_sequence * counts.sequences}")
    print(f"videos            {counts.videos}")
    print(f"labels            {label_range.minimum:.2f} to {label_range.maximum:.2f} px")
    before, after = size_before / 1e6, size_after / 1e6
    print(f"size              {before:.1f} MB before, {after:.1f} MB after: {before / after:.1f} to 1")


def warn_of_labels_outside(label_range):
    """Says on standard error how many label coordinates cannot be right, if any."""
    if label_range.far_outside:
        print(
            f"warning: {label_range.far_outside} label coordinates lie over {FAR_OUTSIDE} px outside the frame",
            file=sys.stderr,
        )
