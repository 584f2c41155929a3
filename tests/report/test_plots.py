import itertools
import math
import os
import subprocess
import sys

import numpy as np
import pytest

from evaluation.confidence import ConfidenceTable
from evaluation.pixel_errors import PixelErrors
from pipeline.joints import JOINT_NAMES
from report.plots import accuracy_figure, confidence_figure, loss_figure, write_png
from tests.report.png import colour_share, rasterized, read_png

BLACK, VERMILION, BLUE, GREEN = (0, 0, 0), (213, 94, 0), (0, 114, 178), (0, 158, 115)


def labelled_lines(axes):
    """Maps the first part of each line's label to the line."""
    return {line.get_label().split(",")[0]: line for line in axes.get_lines()}


# Losses

COLUMNS = ("step", "epoch", "seconds", "train_loss", "validation_loss", "validation_pixel_error")
ROWS = ((0, 0, 0.5, 400.0, 410.0, 25.0), (50, 0, 9.5, 40.0, 50.0, 9.0), (99, 1, 18.0, 4.0, 12.0, 4.0))
HISTORY = [dict(zip(COLUMNS, row, strict=True)) for row in ROWS]


def test_losses_are_over_iterations_on_a_logarithmic_axis():
    axes, _ = loss_figure(HISTORY).axes
    lines = labelled_lines(axes)
    assert lines["training"].get_xydata().tolist() == [[0, 400], [50, 40], [99, 4]]
    assert lines["validation"].get_xydata().tolist() == [[0, 410], [50, 50], [99, 12]]
    assert lines["training"].get_color() != lines["validation"].get_color()
    assert lines["training"].get_linestyle() != lines["validation"].get_linestyle()
    assert axes.get_yscale() == "log"
    assert "px²" in axes.get_ylabel()


@pytest.mark.filterwarnings("error")
def test_losses_without_a_logarithm_are_drawn():
    rasterized(loss_figure([{**row, "train_loss": math.nan, "validation_loss": 0.0} for row in HISTORY]))


def test_the_pixel_error_is_over_the_same_iterations_from_0():
    losses, errors = loss_figure(HISTORY).axes
    assert labelled_lines(errors)["validation"].get_xydata().tolist() == [[0, 25], [50, 9], [99, 4]]
    assert errors.get_ylim()[0] == 0 and errors.get_ylim()[1] > 25
    assert errors.get_xlim() == losses.get_xlim()
    assert errors.get_xlabel() == "iterations"
    assert "[px]" in errors.get_ylabel()


def test_the_mean_pose_is_a_horizontal_line_if_given():
    _, without = loss_figure(HISTORY).axes
    _, errors = loss_figure(HISTORY, mean_pose_pixel_error=9.08).axes
    assert list(labelled_lines(without)) == ["validation"]
    assert list(labelled_lines(errors)["always predicting the mean pose: 9.1 px"].get_ydata()) == [9.08, 9.08]


@pytest.mark.parametrize("rows", [1, 3])
def test_the_png_of_losses_shows_the_curves(tmp_path, rows):
    path = tmp_path / "loss.png"
    assert write_png(path, loss_figure(HISTORY[:rows])) == path
    picture = read_png(path)
    assert picture.shape == (840, 840, 3)
    for colour in (BLUE, VERMILION):
        assert colour_share(picture, colour) > 1e-5
    assert colour_share(picture, (255, 255, 255)) > 0.5
    assert os.listdir(tmp_path) == ["loss.png"]


def test_a_missing_folder_is_an_os_error(tmp_path):
    with pytest.raises(OSError):
        write_png(tmp_path / "missing" / "loss.png", loss_figure(HISTORY))


# Accuracy


@pytest.fixture(scope="module")
def accuracy():
    """The figure of errors of 1 px for the first joint, 2 px for the second, and so on, in all frames."""
    predictions = np.zeros((2, 10, 7, 2))
    predictions[..., 1] = np.arange(1, 8)
    errors = PixelErrors()
    errors.add(predictions, np.zeros_like(predictions))
    return accuracy_figure(errors.summary())


def test_each_joint_has_a_curve_in_percent(accuracy):
    (axes,) = accuracy.axes
    lines = labelled_lines(axes)
    assert list(lines) == list(JOINT_NAMES)
    for number, joint in enumerate(JOINT_NAMES, start=1):
        thresholds, percentages = lines[joint].get_data()
        assert list(thresholds) == [half / 2 for half in range(41)]
        assert list(percentages) == [100 if threshold >= number else 0 for threshold in thresholds]


def test_accuracy_is_from_0_to_20_pixels_and_up_to_100_percent(accuracy):
    (axes,) = accuracy.axes
    assert axes.get_xlim() == (0, 20)
    assert axes.get_ylim()[0] == 0 and 100 < axes.get_ylim()[1] < 105
    assert "[px]" in axes.get_xlabel() and "[%]" in axes.get_ylabel()


def test_the_legend_of_accuracy_has_the_mean_errors(accuracy):
    expected = [f"{joint}, {number}.0 px" for number, joint in enumerate(JOINT_NAMES, start=1)]
    assert [text.get_text() for text in accuracy.axes[0].get_legend().get_texts()] == expected


def test_joints_differ_in_more_than_colour_and_both_sides_share_theirs(accuracy):
    lines = labelled_lines(accuracy.axes[0])
    for one, other in itertools.combinations(lines.values(), 2):
        assert (one.get_linestyle(), one.get_marker()) != (other.get_linestyle(), other.get_marker())
    for part in ("wrist", "elbow", "shoulder"):
        assert lines[f"right {part}"].get_color() == lines[f"left {part}"].get_color()


def test_the_png_of_accuracy_shows_the_curves(accuracy, tmp_path):
    picture = read_png(write_png(tmp_path / "accuracy.png", accuracy))
    assert picture.shape == (600, 840, 3)
    for colour in (BLACK, VERMILION, BLUE, GREEN):
        assert colour_share(picture, colour) > 1e-3


# Confidence

NONE = np.nan
TABLE = ConfidenceTable(
    positions=np.array([1, 0, 19, 0, 0, 0, 80, 0, 100, 200]),
    mean_errors=np.array([12.0, NONE, 8, NONE, NONE, NONE, 4, NONE, 2, 1]),
    shares_within=np.array([0.0, NONE, 0.25, NONE, NONE, NONE, 0.5, NONE, 0.75, 1]),
)
MIDDLES = [0.05, 0.25, 0.65, 0.85, 0.95]


def test_bars_are_the_mean_errors_by_confidence():
    axes, _ = confidence_figure(TABLE).axes
    assert [bar.get_height() for bar in axes.patches] == [12, 8, 4, 2, 1]
    np.testing.assert_allclose([bar.get_x() + bar.get_width() / 2 for bar in axes.patches], MIDDLES)
    assert "[px]" in axes.get_ylabel()


def test_above_each_bar_is_its_share_of_the_positions():
    axes, _ = confidence_figure(TABLE).axes
    assert [text.get_text() for text in axes.texts] == ["<1 %", "5 %", "20 %", "25 %", "50 %"]
    assert "share of positions" in axes.get_legend().get_texts()[0].get_text()
    assert "400 positions" in axes.get_title()


def test_the_share_within_5_px_is_in_percent_with_the_diagonal():
    _, axes = confidence_figure(TABLE).axes
    diagonal, shares = axes.get_lines()
    assert diagonal.get_xydata().tolist() == [[0, 0], [1, 100]]
    np.testing.assert_allclose(shares.get_xdata(), MIDDLES)
    assert shares.get_ydata().tolist() == [0, 25, 50, 75, 100]
    assert (axes.get_xlim(), axes.get_xlabel()) == ((0, 1), "confidence")
    assert "5 px" in axes.get_ylabel() and "[%]" in axes.get_ylabel()
    texts = [text.get_text() for text in axes.get_legend().get_texts()]
    assert texts == ["ideal: the share equals the confidence", "positions within 5 px"]


def test_bars_and_points_are_visible():
    picture = rasterized(confidence_figure(TABLE))
    for colour in (BLUE, VERMILION, BLACK):
        assert colour_share(picture, colour) > 1e-3


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("error", [0.0, 1e30])
def test_a_single_bin_with_any_error_is_drawn(error):
    values = np.full(10, NONE)
    values[9] = error
    rasterized(confidence_figure(ConfidenceTable(np.eye(10, dtype=int)[9], values, np.minimum(values, 1))))


def test_drawing_needs_no_display_and_keeps_no_state():
    command = "import sys, report.plots, report.overlays; report.plots.loss_figure([]); print(sorted(sys.modules))"
    finished = subprocess.run([sys.executable, "-c", command], capture_output=True, text=True, check=True)
    assert "'matplotlib.figure'" in finished.stdout and "'matplotlib.pyplot'" not in finished.stdout
