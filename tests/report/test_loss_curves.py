import math
import os

import pytest

from report.loss_curves import draw_loss_curves, loss_curves_figure
from tests.report.png import colour_share, read_png

COLUMNS = ("step", "epoch", "seconds", "train_loss", "validation_loss", "validation_pixel_error")
ROWS = ((0, 0, 0.5, 400.0, 410.0, 25.0), (50, 0, 9.5, 40.0, 50.0, 9.0), (99, 1, 18.0, 4.0, 12.0, 4.0))
HISTORY = [dict(zip(COLUMNS, row, strict=True)) for row in ROWS]


def curve(axes, label):
    (line,) = [line for line in axes.get_lines() if line.get_label() == label]
    return line


def test_losses_over_iterations_on_a_logarithmic_axis():
    axes, _ = loss_curves_figure(HISTORY).axes
    assert curve(axes, "training").get_xydata().tolist() == [[0, 400], [50, 40], [99, 4]]
    assert curve(axes, "validation").get_xydata().tolist() == [[0, 410], [50, 50], [99, 12]]
    assert axes.get_yscale() == "log"
    assert "px²" in axes.get_ylabel()


@pytest.mark.filterwarnings("error")
def test_losses_without_logarithm_are_drawn(tmp_path):
    history = [{**row, "train_loss": math.nan, "validation_loss": 0.0} for row in HISTORY]
    assert os.path.getsize(draw_loss_curves(tmp_path / "loss.png", history)) > 1000


def test_pixel_error_from_0_over_the_same_iterations():
    losses, errors = loss_curves_figure(HISTORY).axes
    assert curve(errors, "validation").get_xydata().tolist() == [[0, 25], [50, 9], [99, 4]]
    assert errors.get_ylim()[0] == 0 and errors.get_ylim()[1] > 25
    assert errors.get_xlim() == losses.get_xlim()
    assert errors.get_xlabel() == "iterations"
    assert "[px]" in errors.get_ylabel()


def test_the_two_curves_differ_in_colour_and_line():
    axes, _ = loss_curves_figure(HISTORY).axes
    training, validation = curve(axes, "training"), curve(axes, "validation")
    assert training.get_color() != validation.get_color()
    assert training.get_linestyle() != validation.get_linestyle()


def test_the_mean_pose_is_a_level_line_where_given():
    _, without = loss_curves_figure(HISTORY).axes
    _, errors = loss_curves_figure(HISTORY, mean_pose_pixel_error=9.08).axes
    assert [text.get_text() for text in without.get_legend().get_texts()] == ["validation"]
    assert [text.get_text() for text in errors.get_legend().get_texts()][1] == "always the mean pose: 9.1 px"
    assert list(curve(errors, "always the mean pose: 9.1 px").get_ydata()) == [9.08, 9.08]


@pytest.mark.parametrize("rows", [1, 3])
def test_the_png_shows_the_curves(tmp_path, rows):
    path = tmp_path / "loss.png"
    assert draw_loss_curves(path, HISTORY[:rows]) == path
    picture = read_png(path)
    assert picture.shape == (840, 840, 3)
    for colour in ((0, 114, 178), (213, 94, 0)):
        assert colour_share(picture, colour) > 1e-5
    assert colour_share(picture, (255, 255, 255)) > 0.5
    assert os.listdir(tmp_path) == ["loss.png"]


def test_a_folder_that_is_not_there_is_an_os_error(tmp_path):
    with pytest.raises(OSError):
        draw_loss_curves(tmp_path / "missing" / "loss.png", HISTORY)
