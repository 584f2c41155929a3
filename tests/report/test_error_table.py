import numpy as np

from evaluation.pixel_errors import PixelErrors
from pipeline.joints import JOINT_NAMES
from report.error_table import format_table, worst_videos


def summary_of(pixels_to_the_right):
    """The summary of two frames whose joints are off by the given distances, in pixels, one per joint and frame."""
    predictions = np.zeros((1, 2, 7, 2))
    predictions[0, :, :, 0] = pixels_to_the_right
    errors = PixelErrors()
    errors.add(predictions, np.zeros_like(predictions))
    return errors.summary()


HALF_NEAR = summary_of([[0, 1, 2, 3, 4, 5, 6], [0, 1, 2, 3, 4, 5.25, 12]])


def test_rows_are_the_joints_and_their_mean():
    lines = format_table(HALF_NEAR).splitlines()
    assert lines[0].split("  ")[0] == "joint"
    assert [line[:14].strip() for line in lines[2:9]] == list(JOINT_NAMES)
    assert lines[7].split()[-6:] == ["5.12", "px", "50.0", "%", "100.0", "%"]
    assert lines[8].split()[-6:] == ["9.00", "px", "0.0", "%", "50.0", "%"]
    assert lines[10].split() == ["mean", "3.45", "px", "78.6", "%", "92.9", "%"]
    assert len(lines) == 11


def test_the_mean_pose_has_a_separate_column():
    mean_pose = summary_of(np.full((2, 7), 17.5))
    lines = format_table(HALF_NEAR, mean_pose).splitlines()
    assert "mean pose error" in lines[0]
    assert "mean pose error" not in format_table(HALF_NEAR)
    for line in [*lines[2:9], lines[10]]:
        assert "17.50 px" in line


def test_columns_are_aligned_and_fit_80_characters():
    far_off = summary_of(np.full((2, 7), 12345.678))
    for table in (format_table(HALF_NEAR), format_table(far_off, far_off)):
        lines = table.splitlines()
        assert len({len(line) for line in lines}) == 1
        assert len(lines[0]) <= 80


def test_the_worst_videos_are_listed_unless_there_is_only_one():
    errors = {video: 5.0 - video / 4 for video in range(7)}
    expected = "worst videos (5 of 7): 0 (5.00 px), 1 (4.75 px), 2 (4.50 px), 3 (4.25 px), 4 (4.00 px)"
    assert worst_videos(errors) == expected
    assert worst_videos({3: 1.0}) is None
