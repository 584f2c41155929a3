import numpy as np
import pytest
from matplotlib.colors import to_rgb

from evaluation.examples import FrameExamples
from pipeline.joints import JOINT_NAMES, LIMBS
from report.overlays import PREDICTION, TRUTH, overlays_figure
from report.plots import write_png
from tests.report.png import rasterized, read_png

POSE = np.array([[32, 12], [14, 44], [50, 40], [12, 32], [52, 30], [24, 20], [40, 20]], np.float32)


def rgb(style):
    return np.rint(np.array(to_rgb(style["color"])) * 255)


def grey_frames(count):
    return np.full((count, 64, 64, 3), 90, np.uint8)


def poses(count, shift=0.0):
    return np.repeat(POSE[None], count, axis=0) + np.float32(shift)


def overlays_of(*parts):
    return overlays_figure(FrameExamples(*parts))


def pixels_around(figure, position, panel=0, radius=1):
    """The rasterized pixels around a position in the frame, located by the panel's place in the figure."""
    picture = rasterized(figure)
    left, bottom, width, height = figure.axes[panel].get_window_extent().bounds
    column = round(left + position[0] / 64 * width)
    row = round(len(picture) - bottom - height + position[1] / 64 * height)
    return picture[row - radius : row + radius + 1, column - radius : column + radius + 1].reshape(-1, 3).astype(int)


def shows(pixels, colour):
    return bool((np.abs(pixels - colour).max(axis=-1) <= 40).any())


@pytest.mark.parametrize("joint", range(7))
def test_truth_and_prediction_are_drawn_where_their_joints_are(joint):
    outside = poses(1, 200)
    only_truth = overlays_of(grey_frames(1), poses(1), outside)
    only_prediction = overlays_of(grey_frames(1), outside, poses(1))
    assert shows(pixels_around(only_truth, POSE[joint]), rgb(TRUTH))
    assert shows(pixels_around(only_prediction, POSE[joint]), rgb(PREDICTION))


@pytest.mark.parametrize("limb", LIMBS)
def test_limbs_run_from_joint_to_joint(limb):
    figure = overlays_of(grey_frames(1), poses(1), poses(1, 200))
    first, second = (POSE[JOINT_NAMES.index(joint)] for joint in limb)
    for share in (0.35, 0.5, 0.65):
        assert shows(pixels_around(figure, first + share * (second - first)), rgb(TRUTH))
    assert not shows(pixels_around(figure, (32, 55), radius=5), rgb(TRUTH))


@pytest.mark.parametrize("row, column", [(0, 0), (0, 63), (63, 0), (20, 41)])
def test_pixels_of_the_frame_have_the_coordinates_of_the_labels(row, column):
    frames = grey_frames(1)
    frames[0, row, column] = (255, 0, 0)
    figure = overlays_of(frames, poses(1, 200), poses(1, 200))
    figure.set_dpi(300)
    assert (np.abs(pixels_around(figure, (column + 0.5, row + 0.5)) - (255, 0, 0)).max(axis=-1) < 40).all()
    inwards = np.array([column + (2 if column < 32 else -1), row + (2 if row < 32 else -1)]) + 0.0
    assert not shows(pixels_around(figure, inwards, radius=0), (255, 0, 0))


def test_joints_outside_do_not_extend_the_axes():
    labels, predictions = poses(2, -40), poses(2, 300)
    for panel in overlays_of(grey_frames(2), labels, predictions).axes:
        assert panel.get_xlim() == (0, 64)
        assert panel.get_ylim() == (64, 0)


def test_titles_have_the_mean_pixel_error_of_each_frame():
    predictions = poses(2)
    predictions[0] += [3, 4]
    predictions[1, 2] += [0, 14]
    assert [a.get_title() for a in overlays_of(grey_frames(2), poses(2), predictions).axes] == ["5.0 px", "2.0 px"]
    titled = overlays_of(grey_frames(2), poses(2), predictions, ["first", "second"])
    assert [axes.get_title() for axes in titled.axes] == ["first: 5.0 px", "second: 2.0 px"]


def test_one_legend_names_both_and_their_lines_differ():
    figure = overlays_of(grey_frames(7), poses(7), poses(7, 1))
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["truth", "prediction"]
    truth, prediction = legend.get_lines()
    assert (truth.is_dashed(), prediction.is_dashed()) == (False, True)
    assert truth.get_color() != prediction.get_color()
    assert (truth.get_marker(), prediction.get_marker()) == ("o", "s")
    joints = [line for line in figure.axes[0].get_lines() if len(line.get_xdata()) == len(JOINT_NAMES)]
    assert [(line.get_color(), line.get_marker()) for line in joints] == [
        (TRUTH["color"], "o"),
        (PREDICTION["color"], "s"),
    ]
    assert [axes.get_legend() for axes in figure.axes] == [None] * len(figure.axes)


def test_unused_panels_are_blank():
    figure = overlays_of(grey_frames(7), poses(7), poses(7, 1))
    assert [bool(panel.images) for panel in figure.axes] == [True] * 7 + [False] * 3
    assert not any(panel.axison for panel in figure.axes)


@pytest.mark.parametrize("count, size", [(1, (330, 480)), (5, (330, 1260)), (6, (612, 1260))])
def test_the_png_holds_every_frame(tmp_path, count, size):
    path = tmp_path / "overlays.png"
    assert write_png(path, overlays_of(grey_frames(count), poses(count), poses(count, 2))) == path
    picture = read_png(path)
    assert picture.shape == (*size, 3)
    grey = (picture == 90).all(axis=-1)
    assert grey.sum() > count * 0.5 * (1.7 * 120) ** 2
