import itertools
import subprocess
import sys

import numpy as np

from evaluation.pixel_errors import PixelErrors
from pipeline.joints import JOINT_NAMES
from report.accuracy_curves import accuracy_curves_figure, draw_accuracy_curves
from tests.report.png import colour_share, read_png


def example_summary():
    """A summary in which the first joint is off by 1 px in all frames, the second by 2 px, and so on."""
    predictions = np.zeros((2, 10, 7, 2))
    predictions[..., 1] = np.arange(1, 8)
    errors = PixelErrors()
    errors.add(predictions, np.zeros_like(predictions))
    return errors.summary()


def curves(axes):
    return {line.get_label().split(",")[0]: line for line in axes.get_lines()}


def test_each_joint_has_its_curve_in_percent():
    (axes,) = accuracy_curves_figure(example_summary()).axes
    found = curves(axes)
    assert list(found) == list(JOINT_NAMES)
    for number, joint in enumerate(JOINT_NAMES, start=1):
        thresholds, percentages = found[joint].get_data()
        assert list(thresholds) == [half / 2 for half in range(41)]
        assert list(percentages) == [100 if threshold >= number else 0 for threshold in thresholds]


def test_axes_run_from_0_to_20_pixels_and_show_100_percent():
    (axes,) = accuracy_curves_figure(example_summary()).axes
    assert axes.get_xlim() == (0, 20)
    assert axes.get_ylim()[0] == 0 and 100 < axes.get_ylim()[1] < 105
    assert "[px]" in axes.get_xlabel() and "[%]" in axes.get_ylabel()


def test_the_legend_gives_each_joint_s_mean_error():
    (axes,) = accuracy_curves_figure(example_summary()).axes
    expected = [f"{joint}, {number}.0 px" for number, joint in enumerate(JOINT_NAMES, start=1)]
    assert [text.get_text() for text in axes.get_legend().get_texts()] == expected


def test_curves_can_be_told_apart_without_colour_and_sides_share_theirs():
    (axes,) = accuracy_curves_figure(example_summary()).axes
    found = curves(axes)
    for one, other in itertools.combinations(found.values(), 2):
        assert (one.get_linestyle(), one.get_marker()) != (other.get_linestyle(), other.get_marker())
    for part in ("wrist", "elbow", "shoulder"):
        assert found[f"right {part}"].get_color() == found[f"left {part}"].get_color()


def test_title_is_the_given_one():
    assert accuracy_curves_figure(example_summary(), "On 2 sequences").axes[0].get_title() == "On 2 sequences"
    assert "Accuracy" in accuracy_curves_figure(example_summary()).axes[0].get_title()


def test_the_png_shows_the_curves(tmp_path):
    path = tmp_path / "accuracy.png"
    assert draw_accuracy_curves(path, example_summary()) == path
    picture = read_png(path)
    assert picture.shape == (600, 840, 3)
    for colour in ((0, 0, 0), (213, 94, 0), (0, 114, 178), (0, 158, 115)):
        assert colour_share(picture, colour) > 1e-3


def test_drawing_leaves_no_state_and_needs_no_display():
    modules = "report.accuracy_curves, report.loss_curves, report.overlays"
    command = f"import sys, {modules}; print('matplotlib.pyplot' in sys.modules)"
    finished = subprocess.run([sys.executable, "-c", command], capture_output=True, text=True, check=True)
    assert finished.stdout.strip() == "False"
