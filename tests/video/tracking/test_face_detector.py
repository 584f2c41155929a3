import numpy as np
import pytest
from PIL import Image

from pipeline.demo.data import draw_video
from pipeline.joints import JOINT_NAMES
from video.tracking.face_detector import HAS_OPENCV, SHOULDERS_IN_FACES, SMALLEST_FACE, FaceDetector
from video.tracking.upper_body import UpperBody

pytestmark = pytest.mark.skipif(not HAS_OPENCV, reason="needs the package opencv-python-headless")

# Of drawn people whose faces get 20 votes or more, far over the 12 that are enough, in each of the pictures below.
SEEDS = (51, 21)


@pytest.fixture(scope="module")
def detector():
    return FaceDetector()


def person_in(height, width, left, top, seed):
    """A drawn person, 427×240 pixels, in a black picture; and where."""
    frames, labels = draw_video(seed, 20)
    picture = np.zeros((height, width, 3), np.uint8)
    picture[top : top + 240, left : left + 427] = Image.fromarray(frames[10]).resize(
        (427, 240), Image.Resampling.BICUBIC
    )
    joints = dict(zip(JOINT_NAMES, labels[10] * [427 / 64, 240 / 64] + [left, top], strict=True))
    right, left = joints["right shoulder"], joints["left shoulder"]
    return picture, UpperBody(*(right + left) / 2, np.hypot(*(left - right)))


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("height, width, left, top", [(240, 427, 0, 0), (720, 1280, 800, 300), (1280, 720, 150, 800)])
def test_finds_a_person(detector, height, width, left, top, seed):
    picture, person = person_in(height, width, left, top, seed)
    found = detector(picture)
    assert found and all(body.is_near(person) for body in found)


@pytest.mark.parametrize("scale", [0.4, 0.45])
def test_finds_a_person_whose_face_is_small(detector, scale):
    person, body = person_in(240, 427, 0, 0, SEEDS[0])
    picture = np.zeros((720, 1280, 3), np.uint8)
    height, width = round(scale * 240), round(scale * 427)
    picture[300 : 300 + height, 600 : 600 + width] = Image.fromarray(person).resize(
        (width, height), Image.Resampling.BICUBIC
    )
    assert scale * body.width / SHOULDERS_IN_FACES < SMALLEST_FACE
    [found] = detector(picture)
    assert found.is_near(UpperBody(600 + scale * body.x, 300 + scale * body.y, scale * body.width))


def test_what_looks_like_a_face_at_one_size_only_is_none(detector, monkeypatch):
    picture, person = person_in(720, 1280, 500, 300, SEEDS[0])
    assert detector(picture)
    # The second look sees another part of the picture, of one colour.
    looked_at = detector._looked_at
    monkeypatch.setattr(detector, "_looked_at", lambda picture, face, reach: looked_at(0 * picture, face, reach))
    assert detector(picture) == []


def test_of_a_large_picture_positions_are_its_own(detector):
    picture, person = person_in(720, 1280, 800, 300, SEEDS[0])
    found = detector(np.repeat(np.repeat(picture, 2, axis=0), 2, axis=1))
    assert found and all(body.is_near(UpperBody(*(2 * value for value in person))) for body in found)


@pytest.mark.parametrize("seed", SEEDS)
def test_finds_the_same_person_again_around_where_they_were(detector, seed):
    picture, person = person_in(720, 1280, 500, 300, seed)
    before = UpperBody(person.x + 20, person.y - 20, person.width * 1.1)
    found = detector(picture, around=before)
    assert found and all(body.is_near(person) for body in found)
    elsewhere = UpperBody(person.x - 300, person.y, person.width)
    assert detector(picture, around=elsewhere) == []


@pytest.mark.parametrize("shape", [(1, 1, 3), (3, 500, 3), (500, 3, 3), (720, 1280, 3)])
def test_nobody_is_in_an_empty_picture(detector, shape):
    picture = np.zeros(shape, np.uint8)
    assert detector(picture) == []
    assert detector(picture, around=UpperBody(-50, 5000, 40)) == []
    assert detector(np.rot90(picture), around=UpperBody(0.5, 0.5, 1)) == []
