import numpy as np
import pytest
from PIL import Image

from pipeline.demo.data import draw_video
from pipeline.joints import JOINT_NAMES
from video.tracking.face_detector import FACE_ABOVE_SHOULDERS, HAS_OPENCV, SHOULDER_WIDTH, SMALLEST_FACE, FaceDetector
from video.tracking.person import Person

pytestmark = pytest.mark.skipif(not HAS_OPENCV, reason="needs the package opencv-python-headless")

# Drawn people whose faces get 20 votes or more in all pictures below; 12 are required.
SEEDS = (51, 21)


@pytest.fixture(scope="module")
def detector():
    return FaceDetector()


def person_in(height, width, left, top, seed):
    """A black picture with a drawn person of 427×240 pixels, and the Person."""
    frames, labels = draw_video(seed, 20)
    picture = np.zeros((height, width, 3), np.uint8)
    picture[top : top + 240, left : left + 427] = Image.fromarray(frames[10]).resize(
        (427, 240), Image.Resampling.BICUBIC
    )
    joints = dict(zip(JOINT_NAMES, labels[10] * [427 / 64, 240 / 64] + [left, top], strict=True))
    right, left = joints["right shoulder"], joints["left shoulder"]
    return picture, Person(*(right + left) / 2, np.hypot(*(left - right)))


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("height, width, left, top", [(240, 427, 0, 0), (720, 1280, 800, 300), (1280, 720, 150, 800)])
def test_finds_a_person(detector, height, width, left, top, seed):
    picture, person = person_in(height, width, left, top, seed)
    found = detector(picture)
    assert found and all(other.is_near(person) for other in found)


@pytest.mark.parametrize("scale", [0.4, 0.45])
def test_finds_a_person_whose_face_is_small(detector, scale):
    drawn, person = person_in(240, 427, 0, 0, SEEDS[0])
    picture = np.zeros((720, 1280, 3), np.uint8)
    height, width = round(scale * 240), round(scale * 427)
    picture[300 : 300 + height, 600 : 600 + width] = Image.fromarray(drawn).resize(
        (width, height), Image.Resampling.BICUBIC
    )
    assert scale * person.width / SHOULDER_WIDTH < SMALLEST_FACE
    [found] = detector(picture)
    assert found.is_near(Person(600 + scale * person.x, 300 + scale * person.y, scale * person.width))


def test_positions_refer_to_the_pixels_of_a_large_picture(detector):
    picture, person = person_in(720, 1280, 800, 300, SEEDS[0])
    found = detector(np.repeat(np.repeat(picture, 2, axis=0), 2, axis=1))
    assert found and all(other.is_near(Person(*(2 * value for value in person))) for other in found)


@pytest.mark.parametrize("seed", SEEDS)
def test_finds_a_person_again_near_the_last_position(detector, seed):
    picture, person = person_in(720, 1280, 500, 300, seed)
    before = Person(person.x + 20, person.y - 20, person.width * 1.1)
    found = detector(picture, around=before)
    assert found and all(other.is_near(person) for other in found)
    elsewhere = Person(person.x - 300, person.y, person.width)
    assert detector(picture, around=elsewhere) == []


@pytest.mark.parametrize("seed", SEEDS)
def test_a_face_below_a_cap_is_found_only_near_a_confirmed_person(detector, seed):
    picture, person = person_in(720, 1280, 500, 300, seed)
    size = person.width / SHOULDER_WIDTH
    top = person.y - FACE_ABOVE_SHOULDERS * person.width - size / 2
    cap = slice(round(top - size / 2), int(top + 0.38 * size)), slice(round(person.x - size), round(person.x + size))
    picture[cap] = 20
    assert detector(picture) == [] and detector(picture, around=person, is_confirmed=False) == []
    [found] = detector(picture, around=person)
    assert found.is_near(person)


@pytest.mark.parametrize("shape", [(1, 1, 3), (3, 500, 3), (500, 3, 3), (720, 1280, 3)])
def test_finds_nobody_in_an_empty_picture(detector, shape):
    picture = np.zeros(shape, np.uint8)
    assert detector(picture) == []
    assert detector(picture, around=Person(-50, 5000, 40)) == []
    assert detector(np.rot90(picture), around=Person(0.5, 0.5, 1)) == []
