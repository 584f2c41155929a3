import numpy as np
import pytest

from pipeline.joints import JOINT_NAMES
from video.crop import scale_to_frame
from video.tracking.person import CROP_WIDTH, Person
from video.tracking.pose_check import SIZES, WIDTH_BY_MODEL, pose_check

PERSON = Person(640, 360, 80)
HEIGHT, WIDTH = 720, 1280


class ModelOfColours:
    """Stands in for a model: the head is where the frame is red, the right shoulder green, the left one blue."""

    def predict_block(self, frames, rows):
        assert all(len(set(row)) == 1 for row in rows)
        places = np.stack(np.meshgrid(np.arange(64) + 0.5, np.arange(64) + 0.5), axis=-1)
        joints = np.zeros((len(frames), len(JOINT_NAMES), 2))
        for channel, name in enumerate(("head", "right shoulder", "left shoulder")):
            weights = frames[..., channel].astype(float)
            means = np.einsum("fyx,yxd->fd", weights, places) / weights.sum(axis=(1, 2))[:, np.newaxis]
            joints[:, JOINT_NAMES.index(name)] = means
        return np.repeat(joints[rows[:, 0]][:, np.newaxis], 10, axis=1).astype(np.float32)


class ConstantModel:
    """Stands in for a model: the same positions for every frame."""

    def predict_block(self, frames, rows):
        return np.random.default_rng(0).uniform(20, 44, (1, 1, 7, 2)).repeat(10, 1).repeat(len(rows), 0)


def picture_of(person):
    """A picture with a mark for each joint, as far apart as a model finds them for a person of this width."""
    picture = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    x, y, width = person.x, person.y, WIDTH_BY_MODEL * person.width
    for channel, (across, down) in enumerate([(0, -0.53), (-0.5, 0), (0.5, 0)]):
        left, top = round(x + across * width), round(y + down * width)
        picture[top - 6 : top + 6, left - 6 : left + 6, channel] = 255
    return picture


def check(predictor, picture, person):
    return pose_check(predictor)(lambda crop: scale_to_frame(picture, crop), HEIGHT, WIDTH, person)


@pytest.mark.parametrize("x, y, width", [(0, 0, 1), (0.4, 0, 1), (-0.5, 0.3, 0.8), (0, -0.4, 1.2)])
def test_a_person_is_located(x, y, width):
    expected = Person(PERSON.x + x * PERSON.width, PERSON.y + y * PERSON.width, PERSON.width)
    found = check(ModelOfColours(), picture_of(expected), PERSON._replace(width=PERSON.width * width))
    np.testing.assert_allclose(found, expected, atol=3)


def test_the_head_determines_the_size_of_a_person_seen_from_the_side():
    picture = picture_of(PERSON)
    # Both shoulders are at the same place.
    picture[..., 1:] = 0
    picture[354:366, 634:646, 1:] = 255
    found = check(ModelOfColours(), picture, PERSON)
    assert found.width == pytest.approx(0.9 * PERSON.width, rel=0.05)


def test_an_answer_that_moves_along_with_the_crop_is_discarded():
    assert check(ConstantModel(), picture_of(PERSON), PERSON) is None


class ModelForSmallPeople(ModelOfColours):
    """Finds a small person inside the face of a person who is too large."""

    def predict_block(self, frames, rows):
        joints = super().predict_block(frames, rows)
        head, right, left = (JOINT_NAMES.index(name) for name in ("head", "right shoulder", "left shoulder"))
        is_large = np.abs(joints[..., right, 0] - joints[..., left, 0]) > 1.2 * WIDTH_BY_MODEL * 64 / CROP_WIDTH
        middle = joints[..., head, :][..., np.newaxis, :]
        return np.where(is_large[..., np.newaxis, np.newaxis], middle + 0.4 * (joints - middle), joints)


def test_a_person_too_large_for_the_crop_is_located_in_a_larger_one():
    small = PERSON._replace(width=PERSON.width / SIZES[1])
    found = check(ModelForSmallPeople(), picture_of(PERSON), small)
    np.testing.assert_allclose(found, PERSON, atol=3)


def test_a_person_elsewhere_is_not_located():
    far = PERSON._replace(x=PERSON.x + 1.5 * PERSON.width)
    assert check(ModelOfColours(), picture_of(far), PERSON) is None
