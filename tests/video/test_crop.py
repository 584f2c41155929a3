import glob
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pipeline.demo.data import draw_video
from support.user_error import UserError
from video.crop import Crop, crop_of_picture, has_usual_ratio, is_outside, joints_in_picture, parse_crop, scale_to_frame

DATA = Path(__file__).parents[3] / "shared" / "data"


def picture_of(height, width, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def scaled_by_repetition(picture):
    """Splits each pixel into 64×64 equal ones; a pixel of the frame is then a mean of whole pixels."""
    height, width = picture.shape[:2]
    rows = np.repeat(picture.astype(np.float64), 64, axis=0).reshape(64, height, width, 3).mean(axis=1)
    return np.repeat(rows, 64, axis=1).reshape(64, 64, width, 3).mean(axis=2)


@pytest.mark.parametrize("height, width", [(64, 64), (128, 192), (90, 120), (67, 63), (31, 200), (1, 1), (3, 300)])
def test_a_pixel_of_the_frame_is_the_mean_of_the_area_it_covers(height, width):
    picture = picture_of(height, width)
    frame = scale_to_frame(picture, Crop(0, 0, width, height))
    assert (frame.dtype, frame.shape) == (np.uint8, (64, 64, 3))
    assert np.abs(frame - scaled_by_repetition(picture)).max() < 0.5 + 1e-3


def test_a_picture_of_64x64_pixels_is_unchanged():
    picture = picture_of(64, 64)
    np.testing.assert_array_equal(scale_to_frame(picture, Crop(0, 0, 64, 64)), picture)


def test_pixels_outside_the_crop_have_no_effect():
    picture = picture_of(100, 200)
    crop = Crop(30, 20, 110, 70)
    expected = scale_to_frame(np.ascontiguousarray(picture[20:90, 30:140]), Crop(0, 0, 110, 70))
    np.testing.assert_array_equal(scale_to_frame(picture, crop), expected)


@pytest.mark.parametrize("crop", [(-5, 3, 40, 30), (20, 10, 30, 30), (-9, -9, 70, 70), (60, 5, 10, 9), (-30, 0, 20, 9)])
def test_edges_are_repeated_beyond_the_picture(crop):
    picture = picture_of(30, 40)
    around = np.pad(picture, [(50, 50), (50, 50), (0, 0)], mode="edge")
    x, y, width, height = crop
    expected = scale_to_frame(around, Crop(x + 50, y + 50, width, height))
    np.testing.assert_array_equal(scale_to_frame(picture, Crop(*crop)), expected)


def test_joints_beyond_the_edges_or_nan_are_outside():
    joints = np.array([(0, 0), (40, 30), (-0.1, 5), (5, -0.1), (40.1, 5), (5, 30.1), (np.nan, np.nan)])
    assert is_outside(joints, 30, 40).tolist() == [False, False, True, True, True, True, True]


@pytest.mark.skipif(not DATA.is_dir(), reason="needs the YouTube Pose videos in ../shared/data")
def test_scaled_pictures_of_the_publisher_equal_the_courses_frames():
    with np.load(DATA / "youtube_pose_64.npz") as data:
        names, frames = data["videos"], data["frames"]
        different = 0
        for video in range(0, 40, 3):
            folder = glob.escape(str(DATA / "YouTube_Pose_dataset_1.0" / "GT_frames" / str(names[video])))
            with Image.open(sorted(glob.glob(f"{folder}/*.jpg"))[video]) as image:
                picture = np.asarray(image.convert("RGB"))
            scaled = scale_to_frame(picture, crop_of_picture("none", picture))
            difference = np.abs(scaled.astype(int) - frames[video, video])
            assert difference.max() <= 1
            different += np.count_nonzero(difference)
    assert different <= 5


@pytest.mark.parametrize("text", ["none", "center", "30,20,110,70"])
def test_joints_are_converted_to_pixels_of_the_picture(text):
    _, [joints] = draw_video(0, 1)
    picture = picture_of(180, 320)
    crop = crop_of_picture(parse_crop(text), picture)
    positions = joints_in_picture(joints, crop)
    assert positions.dtype == np.float32
    np.testing.assert_allclose((positions - crop[:2]) / crop[2:], joints / 64, atol=1e-5)


@pytest.mark.parametrize(
    "text, height, width, expected",
    [
        ("none", 90, 160, (0, 0, 160, 90)),
        ("center", 90, 160, (20, 0, 120, 90)),
        ("center", 1280, 720, (0, 370, 720, 540)),
        ("center", 300, 400, (0, 0, 400, 300)),
        ("center", 1, 1, (0, 0, 1, 1)),
        ("center", 500, 1, (0, 249, 1, 1)),
        ("5, 6,155,84", 90, 160, (5, 6, 155, 84)),
    ],
)
def test_crop_for_each_choice(text, height, width, expected):
    assert crop_of_picture(parse_crop(text), np.zeros((height, width, 3), np.uint8)) == expected


@pytest.mark.parametrize("text", ["", "middle", "1,2,3", "1,2,3,4,5", "1,2,3,0", "-1,2,3,4", "1.5,2,3,4", "a,b,c,d"])
def test_invalid_choices_are_refused(text):
    with pytest.raises(UserError, match="is invalid; use auto, none, center or X,Y,WIDTH,HEIGHT"):
        parse_crop(text)


@pytest.mark.parametrize("text", ["5,6,156,84", "5,6,155,85"])
def test_a_crop_beyond_the_picture_is_refused(text):
    with pytest.raises(UserError, match="extends beyond a picture of 160×90 pixels"):
        crop_of_picture(parse_crop(text), np.zeros((90, 160, 3), np.uint8))


def test_the_center_is_4_to_3_as_it_is_shown():
    # PAL: 720×576 pixels, 64/45 as wide as high, are shown as 1024×576.
    crop = crop_of_picture("center", np.zeros((576, 720, 3), np.uint8), 64 / 45)
    assert crop.height == 576 and crop.width * 64 / 45 == pytest.approx(768, abs=1) and crop.x == (720 - 540) // 2
    assert has_usual_ratio(Crop(0, 0, 300, 400), 4 / 3) and not has_usual_ratio(Crop(0, 0, 300, 400))
