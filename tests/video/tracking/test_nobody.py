import numpy as np
import pytest
from PIL import Image

from pipeline.demo.data import draw_video
from video.crop import Crop
from video.files.media import Frame
from video.tracking.face_detector import HAS_OPENCV, FaceDetector
from video.tracking.nobody import explain_nobody
from video.tracking.person import Person, crop_around

NOBODY = staticmethod(lambda picture, around=None, is_confirmed=True: [])


def frames_of(pictures, pixel_aspect=1.0):
    return [Frame(picture, seconds=number / 25, pixel_aspect=pixel_aspect) for number, picture in enumerate(pictures)]


def walking(count, height, width, box, background=120):
    """Pictures in which a rectangle of noise, x, y, width, height, changes."""
    random = np.random.default_rng(0)
    x, y, across, down = box
    for _ in range(count):
        picture = np.full((height, width, 3), background, np.uint8)
        picture[y : y + down, x : x + across] = random.integers(0, 255, (down, across, 1), dtype=np.uint8)
        yield picture


@pytest.mark.parametrize(
    "box, around",
    [((400, 60, 90, 240), Person(445, 103, 55)), ((300, 100, 220, 150), Person(410, 160, 42))],
)
def test_what_moves_is_suggested(box, around):
    # Blocks of noise, because the movement is searched in a coarse grid.
    pictures = [picture.repeat(8, 0).repeat(8, 1)[: 45 * 8] for picture in walking(30, 45, 80, [v // 8 for v in box])]
    reason, crop, _ = explain_nobody(frames_of(pictures), 30, NOBODY)
    assert reason.startswith("perhaps the person is seen from behind")
    expected = crop_around(around, 360, 640)
    np.testing.assert_allclose(crop, expected, atol=25)
    assert crop.x >= 0 and crop.y >= 0 and crop.x + crop.width <= 640 and crop.y + crop.height <= 360


def test_a_crop_refers_to_the_pixels_of_the_video():
    pictures = [picture.repeat(8, 0).repeat(8, 1) for picture in walking(30, 45, 40, (20, 6, 6, 30))]
    expected = explain_nobody(frames_of([picture.repeat(2, axis=1) for picture in pictures]), 30, NOBODY).crop
    crop = explain_nobody(frames_of(pictures, pixel_aspect=2.0), 30, NOBODY).crop
    np.testing.assert_allclose(crop, np.divide(expected, [2, 1, 2, 1]), atol=1)


@pytest.mark.parametrize("moves", [False, True])
def test_no_crop_is_suggested_if_nothing_or_everything_moves(moves):
    random = np.random.default_rng(0)
    still = random.integers(0, 255, (90, 160, 3), dtype=np.uint8)
    pictures = [random.integers(0, 255, (9, 16, 3), dtype=np.uint8).repeat(10, 0).repeat(10, 1) for _ in range(30)]
    assert explain_nobody(frames_of(pictures if moves else [still] * 30), 30, NOBODY).crop is None


def test_short_and_changing_inputs_are_explained():
    for pictures in (
        [np.full((5, 3, 3), 90, np.uint8)],
        [np.full((5, 3, 3), 90, np.uint8), np.zeros((8, 8, 3), np.uint8)],
    ):
        reason, crop, _ = explain_nobody(frames_of(pictures), len(pictures), NOBODY)
        assert reason and crop is None


def drawn(count, scale, left, top, brightness=1.0):
    """Pictures of 1280×720 with a drawn person of 427×240 pixels, scaled; and the Crop that they fill."""
    frames, _ = draw_video(51, count)
    width, height = round(427 * scale), round(240 * scale)
    pictures = []
    for frame in frames:
        picture = np.full((720, 1280, 3), 128, np.uint8)
        small = Image.fromarray(frame).resize((width, height), Image.Resampling.BICUBIC)
        picture[top : top + height, left : left + width] = small
        pictures.append(np.rint(picture * brightness).astype(np.uint8))
    return pictures, Crop(left, top, width, height)


@pytest.mark.parametrize("face, is_small", [(12, True), (60, False)])
def test_only_small_faces_are_taken_from_enlarged_parts(face, is_small):
    """A larger face would have been found in the whole picture, so this one is a false alarm."""

    def detect(picture):
        enlarged = 2 * face / 0.61
        return [Person(400, 300, enlarged)] if picture.shape[0] > 720 else []

    pictures = [np.full((720, 1280, 3), 128, np.uint8)] * 12
    reason, crop, _ = explain_nobody(frames_of(pictures), 12, detect)
    assert reason.startswith(f"the face is only about {face} pixels wide") == is_small == (crop is not None)


@pytest.mark.skipif(not HAS_OPENCV, reason="needs the package opencv-python-headless")
@pytest.mark.parametrize(
    "scale, brightness, reason",
    [(0.24, 1.0, "the face is only about "), (1.0, 0.06, "the pictures are dark, 8 of 255")],
)
def test_a_person_is_found_by_searching_more_closely(scale, brightness, reason):
    detector = FaceDetector()
    pictures, place = drawn(12, scale, 700, 300, brightness)
    assert not any(detector(picture) for picture in pictures[::4])
    found, crop, _ = explain_nobody(frames_of(pictures), 12, detector)
    assert found.startswith(reason) and crop is not None
    overlap = np.minimum(crop.x + crop.width, place.x + place.width) - np.maximum(crop.x, place.x)
    assert overlap > 0.5 * place.width and crop.width < 2.5 * place.width


@pytest.mark.skipif(not HAS_OPENCV, reason="needs the package opencv-python-headless")
@pytest.mark.parametrize(
    "turns, reason",
    [(1, "the pictures are turned by 90°"), (2, "the pictures are upside down"), (3, "the pictures are turned by 90°")],
)
def test_pictures_that_are_not_upright_are_recognized(turns, reason):
    upright = [picture[290:550, 690:1140] for picture in drawn(12, 1.0, 700, 300)[0]]
    detector = FaceDetector()
    assert any(detector(picture) for picture in upright[::4])
    turned = [np.rot90(picture, -turns) for picture in upright]
    assert explain_nobody(frames_of(turned), 12, detector) == (reason, None, turns)
