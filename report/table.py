"""The table of pixel errors that the commands print and the report shows."""

from evaluation.pixel_errors import Summary
from evaluation.scores import Scores
from pipeline.joints import JOINT_NAMES

LISTED_THRESHOLDS = (5, 10)


def format_table(summary: Summary, mean_pose: Summary | None = None) -> str:
    """`table_cells` as plain text; no wider than 80 columns."""
    header, *rows = table_cells(summary, mean_pose)
    rule = ["-" * len(name) for name in header]
    rule[0] = "-" * max(len(row[0]) for row in rows)
    return "\n".join(_aligned(row, header, len(rule[0])) for row in [header, rule, *rows[:-1], rule, rows[-1]])


def format_scores(scores: Scores) -> str:
    """The table of what a model scores, and a line on the hardest videos where there are several."""
    return "\n".join([format_table(scores.summary, scores.mean_pose), *([scores.hardest] if scores.hardest else [])])


def table_cells(summary: Summary, mean_pose: Summary | None = None) -> list[list[str]]:
    """A list of rows, each a list of texts: the header, a row per joint, and a last one for their mean.

    mean_pose: the Summary of always predicting the mean pose on the same sequences, which gets a column of its own.
    """
    header = ["joint", "pixel error"]
    if mean_pose is not None:
        header.append("mean pose's")
    header += [f"within {threshold} px" for threshold in LISTED_THRESHOLDS]
    return [header, *(_row(summary, mean_pose, joint) for joint in JOINT_NAMES), _mean_row(summary, mean_pose)]


def mean_share_within(summary: Summary, threshold: float) -> float:
    """The share of all joints in all frames, 0 to 1, that are at most the threshold, one of the summary's, off."""
    shares = [_share_within(summary, joint, threshold) for joint in JOINT_NAMES]
    return sum(shares) / len(shares)


def format_share(share: float) -> str:
    """0 to 1 → "12.3 %"."""
    return f"{100 * share:.1f} %"


def _row(summary: Summary, mean_pose: Summary | None, joint: str) -> list[str]:
    row = [joint, f"{summary['pixel_error'][joint]:.2f} px"]
    if mean_pose is not None:
        row.append(f"{mean_pose['pixel_error'][joint]:.2f} px")
    return row + [format_share(_share_within(summary, joint, threshold)) for threshold in LISTED_THRESHOLDS]


def _mean_row(summary: Summary, mean_pose: Summary | None) -> list[str]:
    row = ["mean", f"{summary['mean_pixel_error']:.2f} px"]
    if mean_pose is not None:
        row.append(f"{mean_pose['mean_pixel_error']:.2f} px")
    return row + [format_share(mean_share_within(summary, threshold)) for threshold in LISTED_THRESHOLDS]


def _share_within(summary: Summary, joint: str, threshold: float) -> float:
    accuracy = summary["accuracy"]
    return accuracy[joint][accuracy["thresholds"].index(threshold)]


def _aligned(row: list[str], header: list[str], joint_width: int) -> str:
    cells = [cell.rjust(len(name)) for cell, name in zip(row[1:], header[1:], strict=True)]
    return "  ".join([row[0].ljust(joint_width), *cells])
