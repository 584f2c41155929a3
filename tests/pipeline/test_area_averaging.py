import numpy as np
import pytest

from pipeline.area_averaging import area_average
from tests.pipeline.sources.youtube_pose import area_average_by_repetition


@pytest.mark.parametrize("size", [(64, 64), (65, 63), (100, 57), (128, 192), (30, 50), (1, 1), (237, 419)])
@pytest.mark.parametrize("new_size", [(64, 64), (24, 40)])
def test_is_the_mean_of_what_a_pixel_covers(size, new_size):
    picture = np.random.default_rng(0).integers(0, 256, (*size, 3), dtype=np.uint8)
    averaged = area_average(picture, *new_size)
    assert (averaged.dtype, averaged.shape) == (np.uint8, (*new_size, 3)) and averaged.flags.c_contiguous
    np.testing.assert_array_equal(averaged, area_average_by_repetition(picture, *new_size))


def test_parts_of_pixels_count_by_their_area():
    # The first of two new pixels is the first old one and half of the second: (30 + 60 / 2) / 1.5 = 40.
    picture = np.array([[[30], [60], [240]]], np.uint8)
    assert area_average(picture, 1, 2).ravel().tolist() == [40, 180]
    assert area_average(picture.transpose(1, 0, 2), 2, 1).ravel().tolist() == [40, 180]


def test_halves_go_to_the_even_number():
    picture = np.array([[[0], [1], [2], [1]]], np.uint8)
    assert area_average(picture, 1, 2).ravel().tolist() == [0, 2]


def test_white_stays_white_however_large():
    assert (area_average(np.full((2000, 3000, 1), 255, np.uint8), 64, 64) == 255).all()
