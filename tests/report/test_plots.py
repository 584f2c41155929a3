import itertools
import math
import os
import subprocess
import sys

import numpy as np
import pytest
from matplotlib.text import Text

from evaluation.confidence import ConfidenceTable
from evaluation.pixel_errors import PixelErrors
from pipeline.joints import JOINT_NAMES
from report.plots import NARROW, accuracy_figure, confidence_figure, loss_figure, write_png
from tests.report.png import colour_share, rasterized, read_png

BLACK, VERMILION, BLUE, GREEN = (0, 0, 0), (213, 94, 0), (0, 114, 178), (0, 158, 115)


def labelled_lines(axes):
    return {line.get_label(): line for line in axes.get_lines()}


def boxes_of_texts(figure, axes):
    """The text of each annotation and its box, without the line to it, in pixels of the drawn figure."""
    rasterized(figure)
    return {text.get_text(): Text.get_window_extent(text) for text in axes.texts}


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
@pytest.mark.parametrize("training, validation", [(math.nan, 0.0), (0.0, 233.0)])
def test_losses_without_a_logarithm_are_drawn(training, validation):
    rasterized(loss_figure([{**row, "train_loss": training, "validation_loss": validation} for row in HISTORY]))


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
    assert list(labelled_lines(errors)["mean pose"].get_ydata()) == [9.08, 9.08]


@pytest.mark.parametrize("losses", [(4.0, 12.0), (12.0, 4.0), (4.0, 4.0)])
def test_the_ends_of_the_losses_are_named_beside_the_plot(losses):
    row = dict(zip(("train_loss", "validation_loss"), losses, strict=True))
    figure = loss_figure([*HISTORY[:2], {**HISTORY[2], **row}])
    axes, errors = figure.axes
    assert axes.get_legend() is None and errors.get_legend() is None
    boxes = boxes_of_texts(figure, axes)
    training, validation = boxes[f"training\n{losses[0]:g}"], boxes[f"validation\n{losses[1]:g}"]
    assert not training.overlaps(validation)
    assert losses[0] == losses[1] or (training.y0 > validation.y0) == (losses[0] > losses[1])
    for box in (training, validation):
        assert axes.get_window_extent().x1 < box.x0 and box.x1 <= figure.bbox.x1


@pytest.mark.parametrize("rows", [1, 3])
def test_the_png_of_losses_shows_the_curves(tmp_path, rows):
    path = tmp_path / "loss.png"
    assert write_png(path, loss_figure(HISTORY[:rows])) == path
    picture = read_png(path)
    assert picture.shape == (720, 1080, 3)
    for colour in (BLUE, VERMILION):
        assert colour_share(picture, colour) > 1e-5
    assert colour_share(picture, (255, 255, 255)) > 0.5
    assert os.listdir(tmp_path) == ["loss.png"]


def test_a_missing_folder_is_an_os_error(tmp_path):
    with pytest.raises(OSError):
        write_png(tmp_path / "missing" / "loss.png", loss_figure(HISTORY))


# Accuracy


def accuracies():
    """The errors of 1 px for the first joint, 2 px for the second, and so on, in all frames."""
    predictions = np.zeros((2, 10, 7, 2))
    predictions[..., 1] = np.arange(1, 8)
    errors = PixelErrors()
    errors.add(predictions, np.zeros_like(predictions))
    return errors.curves(), errors.summary()["pixel_error"]


@pytest.fixture(scope="module")
def accuracy():
    return accuracy_figure(*accuracies())


def test_each_joint_has_a_curve_in_percent(accuracy):
    (axes,) = accuracy.axes
    lines = labelled_lines(axes)
    assert list(lines) == list(JOINT_NAMES)
    for number, joint in enumerate(JOINT_NAMES, start=1):
        thresholds, percentages = lines[joint].get_data()
        assert list(thresholds) == [step / 20 for step in range(141)]
        assert list(percentages) == [100 if threshold >= number else 0 for threshold in thresholds]


def test_accuracy_is_up_to_100_percent(accuracy):
    (axes,) = accuracy.axes
    assert axes.get_ylim()[0] == 0 and 100 < axes.get_ylim()[1] < 105
    assert "[px]" in axes.get_xlabel() and "[%]" in axes.get_ylabel()


def accuracy_of(distances):
    """The figure for frames whose joints are all off by the given distances in pixels."""
    predictions = np.zeros((1, len(distances), 7, 2))
    predictions[..., 1] = np.reshape(distances, (1, -1, 1))
    errors = PixelErrors()
    errors.add(predictions, np.zeros_like(predictions))
    return accuracy_figure(errors.curves(), errors.summary()["pixel_error"])


@pytest.mark.parametrize(
    "distances, end", [([0.2] * 10, 1), ([1.2] * 199 + [17], 2), ([1.0] * 50 + [6.8], 7), ([1.2, 30], 2), ([19.7], 20)]
)
def test_the_axis_of_accuracy_ends_where_the_last_curve_is_within_one_percent_of_its_end(distances, end):
    assert accuracy_of(distances).axes[0].get_xlim() == (0, end)


def test_each_curve_of_accuracy_is_labelled_with_its_mean_error_to_the_right_of_all_curves(accuracy):
    (axes,) = accuracy.axes
    assert axes.get_legend() is None
    boxes = boxes_of_texts(accuracy, axes)
    assert set(boxes) == {f"{joint}, {number}.00 px" for number, joint in enumerate(JOINT_NAMES, start=1)}
    for one, other in itertools.combinations(boxes.values(), 2):
        assert not one.overlaps(other)
    for text in axes.texts:
        joint = text.get_text().split(",")[0]
        curve = labelled_lines(axes)[joint]
        assert np.abs(curve.get_xdata() - text.xy[0]).min() < 0.05
        right, low, high = boxes[text.get_text()].x0, boxes[text.get_text()].y0, boxes[text.get_text()].y1
        for line in axes.get_lines():
            xs, heights = axes.transData.transform(line.get_xydata()).T
            inside = np.interp(np.linspace(low, high, 5), heights, xs)
            assert (inside < right).all()


def test_joints_differ_in_more_than_colour_and_both_sides_share_theirs(accuracy):
    lines = labelled_lines(accuracy.axes[0])
    for one, other in itertools.combinations(lines.values(), 2):
        assert (one.get_linestyle(), one.get_marker()) != (other.get_linestyle(), other.get_marker())
    for part in ("wrist", "elbow", "shoulder"):
        assert lines[f"right {part}"].get_color() == lines[f"left {part}"].get_color()


def test_the_png_of_accuracy_shows_the_curves(accuracy, tmp_path):
    picture = read_png(write_png(tmp_path / "accuracy.png", accuracy))
    assert picture.shape == (600, 1080, 3)
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


def test_the_share_within_5_px_is_in_percent_with_the_diagonal():
    _, axes = confidence_figure(TABLE).axes
    diagonal, shares = axes.get_lines()
    assert diagonal.get_xydata().tolist() == [[0, 0], [1, 100]]
    np.testing.assert_allclose(shares.get_xdata(), MIDDLES)
    assert shares.get_ydata().tolist() == [0, 25, 50, 75, 100]
    assert (axes.get_xlim(), axes.get_xlabel()) == ((0, 1), "confidence of 400 positions")
    assert "5 px" in axes.get_ylabel() and "[%]" in axes.get_ylabel()
    texts = [text.get_text() for text in axes.get_legend().get_texts()]
    assert texts == ["ideal", "measured"]


def test_legends_of_confidence_cover_neither_bars_nor_points():
    figure = confidence_figure(TABLE)
    rasterized(figure)
    for axes in figure.axes:
        assert not axes.get_legend().get_window_extent().overlaps(axes.get_window_extent())


@pytest.mark.parametrize("draw", [loss_figure, accuracy_figure, confidence_figure])
def test_narrow_figures_contain_all_their_texts(draw, accuracy):
    given = {loss_figure: (HISTORY, 9.1), accuracy_figure: accuracies(), confidence_figure: (TABLE,)}
    figure = draw(*given[draw], width=NARROW)
    rasterized(figure)
    inches = figure.get_tightbbox().extents
    assert (inches[:2] >= 0).all() and (inches[2:] <= figure.get_size_inches()).all()


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
