"""The table of pixel errors that the commands print and the report shows."""

from pipeline.joints import JOINT_NAMES

LISTED_THRESHOLDS = (5, 10)


def format_table(summary, mean_pose=None):
    """`table_cells` as plain text; no wider than 80 columns."""
    header, *rows = table_cells(summary, mean_pose)
    rule = ["-" * len(name) for name in header]
    rule[0] = "-" * max(len(row[0]) for row in rows)
    return "\n".join(_aligned(row, header, len(rule[0])) for row in [header, rule, *rows[:-1], rule, rows[-1]])


def table_cells(summary, mean_pose=None):
    """A list of rows, each a list of texts: the header, a row per joint, and a last one for their mean.

    `summary` is that of `PixelErrors`; `mean_pose`, where given, the summary of the errors that always predicting the
    mean pose makes on the same sequences, and gets a column of its own.
    """
    header = ["joint", "pixel error"]
    if mean_pose is not None:
        header.append("mean pose's")
    header += [f"within {threshold} px" for threshold in LISTED_THRESHOLDS]
    return [header, *(_row(summary, mean_pose, joint) for joint in JOINT_NAMES), _mean_row(summary, mean_pose)]


def mean_share_within(summary, threshold):
    """The share of all joints in all frames, 0 to 1, that are at most the threshold, one of the summary's, off."""
    shares = [_share_within(summary, joint, threshold) for joint in JOINT_NAMES]
    return sum(shares) / len(shares)


def format_share(share):
    """0 to 1 → "12.3 %"."""
    return f"{100 * share:.1f} %"


def _row(summary, mean_pose, joint):
    row = [joint, f"{summary['pixel_error'][joint]:.2f} px"]
    if mean_pose is not None:
        row.append(f"{mean_pose['pixel_error'][joint]:.2f} px")
    return row + [format_share(_share_within(summary, joint, threshold)) for threshold in LISTED_THRESHOLDS]


def _mean_row(summary, mean_pose):
    row = ["mean", f"{summary['mean_pixel_error']:.2f} px"]
    if mean_pose is not None:
        row.append(f"{mean_pose['mean_pixel_error']:.2f} px")
    return row + [format_share(mean_share_within(summary, threshold)) for threshold in LISTED_THRESHOLDS]


def _share_within(summary, joint, threshold):
    accuracy = summary["accuracy"]
    return accuracy[joint][accuracy["thresholds"].index(threshold)]


def _aligned(row, header, joint_width):
    cells = [cell.rjust(len(name)) for cell, name in zip(row[1:], header[1:])]
    return "  ".join([row[0].ljust(joint_width), *cells])
