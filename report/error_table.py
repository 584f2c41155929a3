"""The table of pixel errors that the commands print and the report shows."""

from evaluation.pixel_errors import ErrorSummary
from evaluation.scores import Scores
from pipeline.joints import JOINT_NAMES

LISTED_THRESHOLDS = (5, 10)  # pixels
LISTED_VIDEOS = 5


def format_scores(scores: Scores) -> str:
    """The table of a model's errors, and a line about the videos with the largest errors if there are several."""
    worst = worst_videos(scores.video_pixel_error)
    return "\n".join([format_table(scores.summary, scores.mean_pose), *([worst] if worst else [])])


def format_table(summary: ErrorSummary, mean_pose: ErrorSummary | None = None) -> str:
    """`table_cells` as plain text, at most 80 columns wide."""
    header, *rows = table_cells(summary, mean_pose)
    joint_width = max(len(row[0]) for row in rows)
    widths = [len(name) for name in header[1:]]
    rule = ["-" * joint_width, *("-" * width for width in widths)]
    return "\n".join(
        "  ".join([first.ljust(joint_width), *(cell.rjust(width) for cell, width in zip(others, widths, strict=True))])
        for first, *others in [header, rule, *rows[:-1], rule, rows[-1]]
    )


def table_cells(summary: ErrorSummary, mean_pose: ErrorSummary | None = None) -> list[list[str]]:
    """Rows of texts: the header, one row per joint, and the mean over the joints.

    mean_pose: the errors of always predicting the mean pose on the same sequences; adds a column.
    """
    header = ["joint", "pixel error", *(["mean pose error"] if mean_pose else [])]
    rows = [header + [f"within {threshold} px" for threshold in LISTED_THRESHOLDS]]
    for joint in JOINT_NAMES:
        errors = [one["pixel_error"][joint] for one in (summary, mean_pose) if one]
        rows.append(_row(joint, errors, [_share_within(summary, joint, threshold) for threshold in LISTED_THRESHOLDS]))
    errors = [one["mean_pixel_error"] for one in (summary, mean_pose) if one]
    rows.append(_row("mean", errors, [mean_share_within(summary, threshold) for threshold in LISTED_THRESHOLDS]))
    return rows


def worst_videos(video_pixel_error: dict[int, float]) -> str | None:
    """A line that lists the videos with the largest errors; None for a single video.

    video_pixel_error: pixels by video number, largest first.
    """
    if len(video_pixel_error) < 2:
        return None
    listed = [f"{video} ({error:.2f} px)" for video, error in list(video_pixel_error.items())[:LISTED_VIDEOS]]
    return f"worst videos ({len(listed)} of {len(video_pixel_error)}): " + ", ".join(listed)


def mean_share_within(summary: ErrorSummary, threshold: float) -> float:
    """The share of all joints in all frames, 0 to 1, whose error is at most `threshold`, one of the summary's."""
    shares = [_share_within(summary, joint, threshold) for joint in JOINT_NAMES]
    return sum(shares) / len(shares)


def format_share(share: float) -> str:
    """0.123 → "12.3 %"."""
    return f"{100 * share:.1f} %"


def _row(name: str, errors: list[float], shares: list[float]) -> list[str]:
    return [name, *(f"{error:.2f} px" for error in errors), *map(format_share, shares)]


def _share_within(summary: ErrorSummary, joint: str, threshold: float) -> float:
    accuracy = summary["accuracy"]
    return accuracy[joint][accuracy["thresholds"].index(threshold)]
