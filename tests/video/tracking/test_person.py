import numpy as np
import pytest

from pipeline.joints import JOINT_NAMES
from video.tracking.person import (
    CROP_HEIGHT,
    CROP_WIDTH,
    SHARE_ABOVE_SHOULDERS,
    Person,
    crop_around,
    ends_below_shoulders,
    head_and_shoulders,
    median_person,
)


def share_across(crop, person):
    return (person.x - crop.x) / crop.width


def test_the_crop_has_the_proportions_of_the_training_pictures():
    person = Person(900, 300, 70)
    crop = crop_around(person, 720, 1280)
    assert (crop.width, crop.height) == (round(70 * CROP_WIDTH), round(70 * CROP_HEIGHT))
    assert share_across(crop, person) == pytest.approx(0.5, abs=0.01)
    assert (person.y - crop.y) / crop.height == pytest.approx(SHARE_ABOVE_SHOULDERS, abs=0.01)


@pytest.mark.parametrize("x", [120, 640, 1160])
@pytest.mark.parametrize("y", [90, 360, 600])
def test_near_an_edge_the_crop_is_moved_into_the_picture(x, y):
    crop = crop_around(Person(x, y, 70), 720, 1280)
    assert crop.x >= 0 and crop.y >= 0 and crop.x + crop.width <= 1280 and crop.y + crop.height <= 720
    assert crop.x < x < crop.x + crop.width and crop.y < y < crop.y + crop.height


@pytest.mark.parametrize("x, y", [(0, 0), (1280, 720), (5, 715)])
def test_at_an_edge_the_person_keeps_a_distance_from_the_edges_of_the_crop(x, y):
    crop = crop_around(Person(x, y, 70), 720, 1280)
    assert 0.24 < share_across(crop, Person(x, y, 70)) < 0.76


def test_in_a_narrow_picture_the_crop_has_its_width():
    crop = crop_around(Person(360, 500, 140), 1280, 720)
    assert (crop.x, crop.width) == (0, 720)


def test_the_crop_extends_beyond_a_picture_that_the_person_fills():
    person = Person(88, 105, 90)
    crop = crop_around(person, 144, 176)
    assert crop.width > 4 * person.width and crop.height > 2.5 * person.width
    assert crop.x < 0 < 176 < crop.x + crop.width and crop.y <= 0 < 144 < crop.y + crop.height


def test_near_people_have_similar_positions_and_widths():
    person = Person(100, 100, 50)
    assert person.is_near(Person(130, 100, 60)) and person.is_near(person)
    assert not person.is_near(Person(180, 100, 50)) and not person.is_near(Person(100, 100, 90))


def test_the_median_is_taken_componentwise():
    assert median_person([Person(1, 5, 9), Person(2, 90, 8), Person(500, 4, 7)]) == Person(2, 5, 8)


@pytest.mark.parametrize("height, expected", [(144, True), (190, True), (200, False)])
def test_a_picture_of_head_and_shoulders_is_recognized(height, expected):
    assert ends_below_shoulders(Person(88, 105, 90), height) == expected


def test_head_and_shoulders_have_no_arms():
    joints = dict(zip(JOINT_NAMES, head_and_shoulders(Person(88, 105, 90)), strict=True))
    assert joints["head"][0] == 88 and joints["head"][1] < 105
    # The person's own right is on the left of the picture.
    assert joints["right shoulder"].tolist() == [43, 105] and joints["left shoulder"].tolist() == [133, 105]
    arms = [joints[f"{side} {joint}"] for side in ("left", "right") for joint in ("elbow", "wrist")]
    assert np.isnan(arms).all()
