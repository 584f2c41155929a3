import numpy as np
import pytest

from evaluation.confidence_bins import ConfidenceTable
from report.confidence_bars import confidence_figure
from tests.report.png import colour_share, rasterized

NONE = np.nan
TABLE = ConfidenceTable(
    np.array([1, 0, 19, 0, 0, 0, 80, 0, 100, 200]),
    np.array([12.0, NONE, 8, NONE, NONE, NONE, 4, NONE, 2, 1]),
    np.array([0.0, NONE, 0.25, NONE, NONE, NONE, 0.5, NONE, 0.75, 1]),
)
MIDDLES = [0.05, 0.25, 0.65, 0.85, 0.95]


def test_bars_are_the_mean_errors_over_the_confidence():
    axes, _ = confidence_figure(TABLE).axes
    assert [bar.get_height() for bar in axes.patches] == [12, 8, 4, 2, 1]
    np.testing.assert_allclose([bar.get_x() + bar.get_width() / 2 for bar in axes.patches], MIDDLES)
    assert "[px]" in axes.get_ylabel()


def test_above_each_bar_stands_its_share_of_the_positions():
    axes, _ = confidence_figure(TABLE).axes
    assert [text.get_text() for text in axes.texts] == ["<1 %", "5 %", "20 %", "25 %", "50 %"]
    assert "share of positions" in axes.get_legend().get_texts()[0].get_text()
    assert "400 positions" in axes.get_title()


def test_the_share_within_5_px_in_percent_beside_the_diagonal():
    _, axes = confidence_figure(TABLE).axes
    diagonal, shares = axes.get_lines()
    assert diagonal.get_xydata().tolist() == [[0, 0], [1, 100]]
    np.testing.assert_allclose(shares.get_xdata(), MIDDLES)
    assert shares.get_ydata().tolist() == [0, 25, 50, 75, 100]
    assert (axes.get_xlim(), axes.get_xlabel()) == ((0, 1), "confidence")
    assert "5 px" in axes.get_ylabel() and "[%]" in axes.get_ylabel()
    texts = [text.get_text() for text in axes.get_legend().get_texts()]
    assert texts == ["as many as the confidence says", "positions within 5 px"]


def test_bars_and_points_are_seen():
    picture = rasterized(confidence_figure(TABLE))
    for colour in ((0, 114, 178), (213, 94, 0), (0, 0, 0)):
        assert colour_share(picture, colour) > 1e-3


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("error", [0.0, 1e30])
def test_a_single_bin_of_any_error_is_drawn(error):
    values = np.full(10, NONE)
    values[9] = error
    rasterized(confidence_figure(ConfidenceTable(np.eye(10, dtype=int)[9], values, np.minimum(values, 1))))
