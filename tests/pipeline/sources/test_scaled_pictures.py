import os
import sys

import numpy as np
import pytest
from PIL import Image

from pipeline.sources.scaled_pictures import MOST_THREADS, WAITING_PER_THREAD, area_average, scaled_pictures
from support.user_error import UserError
from tests.pipeline.sources.youtube_pose import area_average_by_repetition


@pytest.fixture(scope="module")
def paths(tmp_path_factory):
    """90 pictures, each filled with a different colour."""
    folder = tmp_path_factory.mktemp("pictures")
    for value in range(90):
        Image.new("RGB", (40 + value, 32), (value, 2 * value, 0)).save(folder / f"{value:02}.png")
    return sorted(folder.iterdir())


def test_pictures_come_in_order_with_their_size_and_contents(paths):
    decoded = list(scaled_pictures(paths, 8, 16))
    assert [picture.frame[0, 0].tolist() for picture in decoded] == [[value, 2 * value, 0] for value in range(90)]
    assert all((picture.frame.shape, picture.frame.dtype) == ((8, 16, 3), np.uint8) for picture in decoded)
    assert [(picture.old_height, picture.old_width) for picture in decoded] == [(32, 40 + value) for value in range(90)]
    assert [picture.contents for picture in decoded] == [path.read_bytes() for path in paths]


def test_few_pictures_are_decoded_in_advance(paths):
    asked_for = []
    pictures = scaled_pictures((asked_for.append(path) or path for path in paths), 8, 8)
    next(pictures)
    assert len(asked_for) <= MOST_THREADS * WAITING_PER_THREAD < len(paths)
    pictures.close()


def test_grey_pictures_become_rgb(tmp_path):
    Image.new("L", (9, 9), 77).save(tmp_path / "grey.jpg")
    [picture] = scaled_pictures([tmp_path / "grey.jpg"], 8, 8)
    assert (picture.frame == 77).all() and picture.frame.shape == (8, 8, 3)


@pytest.mark.parametrize("contents", [b"", b"no picture", b"\xff\xd8\xff\xe0", b"\x89PNG\r\n\x1a\n" + bytes(40)])
def test_names_a_file_that_is_not_a_picture(contents, paths, tmp_path):
    (tmp_path / "broken.jpg").write_bytes(contents)
    with pytest.raises(UserError, match="broken.jpg (is|cannot be) .*; unpack the release again"):
        list(scaled_pictures([paths[0], tmp_path / "broken.jpg"], 8, 8))


@pytest.mark.parametrize("format", ["jpeg", "png"])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_names_a_picture_that_is_cut_short(share, format, tmp_path):
    path, noise = tmp_path / "cut.jpg", np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    Image.fromarray(noise).save(path, format)
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    with pytest.raises(UserError, match="cut.jpg (is|cannot be) .*; unpack the release again"):
        list(scaled_pictures([path], 8, 8))


@pytest.mark.parametrize("file_format", ["DDS", "EPS"])
def test_other_formats_are_not_tried(file_format, tmp_path):
    Image.new("RGB", (8, 8)).save(tmp_path / "a.jpg", file_format)
    with pytest.raises(UserError, match="a.jpg is not a readable picture .*; unpack the release again"):
        list(scaled_pictures([tmp_path / "a.jpg"], 8, 8))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes")
def test_does_not_wait_for_a_pipe(tmp_path):
    os.mkfifo(tmp_path / "a.jpg")
    with pytest.raises(UserError, match="a.jpg is a folder, a device, a pipe or a socket"):
        list(scaled_pictures([tmp_path / "a.jpg"], 8, 8))


@pytest.mark.skipif(sys.platform == "win32", reason="links take a privilege")
def test_a_link_out_of_its_folder_is_not_followed(paths, tmp_path):
    (tmp_path / "a.jpg").symlink_to(paths[0])
    with pytest.raises(UserError, match="a.jpg is a link out of its folder"):
        list(scaled_pictures([tmp_path / "a.jpg"], 8, 8))


@pytest.mark.parametrize("size", [(64, 64), (65, 63), (100, 57), (128, 192), (30, 50), (1, 1), (237, 419)])
@pytest.mark.parametrize("new_size", [(64, 64), (24, 40)])
def test_a_new_pixel_is_the_mean_of_the_area_it_covers(size, new_size):
    picture = np.random.default_rng(0).integers(0, 256, (*size, 3), dtype=np.uint8)
    averaged = area_average(picture, *new_size)
    assert (averaged.dtype, averaged.shape) == (np.uint8, (*new_size, 3)) and averaged.flags.c_contiguous
    np.testing.assert_array_equal(averaged, area_average_by_repetition(picture, *new_size))


def test_parts_of_pixels_count_by_their_area():
    # The first of two new pixels is the first old one and half of the second: (30 + 60 / 2) / 1.5 = 40.
    picture = np.array([[[30], [60], [240]]], np.uint8)
    assert area_average(picture, 1, 2).ravel().tolist() == [40, 180]
    assert area_average(picture.transpose(1, 0, 2), 2, 1).ravel().tolist() == [40, 180]


def test_halves_are_rounded_to_even():
    picture = np.array([[[0], [1], [2], [1]]], np.uint8)
    assert area_average(picture, 1, 2).ravel().tolist() == [0, 2]


def test_white_stays_white_however_large():
    assert (area_average(np.full((2000, 3000, 1), 255, np.uint8), 64, 64) == 255).all()
