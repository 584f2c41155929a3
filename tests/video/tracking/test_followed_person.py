import itertools

import numpy as np
import pytest

from video.crop import Crop, scale_to_frame
from video.files.frame import Frame
from video.tracking.followed_person import views
from video.tracking.looks import LOOKS_PER_SEARCH_UNSURE, MOST_FRAMES_PER_LOOK, SECONDS_PER_LOOK
from video.tracking.upper_body import UpperBody, crop_around

PERSON = UpperBody(420, 300, 60)


class MadeDetector:
    """Sees what `people_in` makes of a picture; keeps what it was asked."""

    def __init__(self, people_in=lambda picture: [PERSON]):
        self.people_in, self.asked = people_in, []

    def __call__(self, picture, around=None, is_sure=True):
        self.asked.append(around)
        return self.people_in(picture)


def video(count, brightness=lambda number: 90, size=(400, 640), rate=25):
    random = np.random.default_rng(0)
    texture = random.integers(0, 60, (*size, 3), dtype=np.uint8)
    for number in range(count):
        yield Frame(texture + np.uint8(brightness(number)), seconds=number / rate)


def test_the_model_sees_the_persons_surroundings():
    [first, *_] = frames = list(video(3))
    seen = list(views(frames, "auto", MadeDetector()))
    crop = crop_around(PERSON, 400, 640)
    assert [view.crop for view in seen] == [crop] * 3 and all(view.is_found for view in seen)
    np.testing.assert_array_equal(seen[0].frame, scale_to_frame(first.picture, crop))
    assert seen[0].person == PERSON


@pytest.mark.parametrize("size", [(720, 1280), (800, 1000), (1450, 725)])
def test_large_pictures_are_reduced_first(size):
    # A gradient, whose means are the same to within the rounding of the crop.
    height, width = size
    picture = np.zeros((height, width, 3), np.uint8)
    picture[..., 0] = np.linspace(0, 255, width)
    picture[..., 1] = np.linspace(0, 255, height)[:, np.newaxis]
    person = UpperBody(width * 0.6, height * 0.5, 100)
    [view] = views([Frame(picture, seconds=0.0)], "auto", MadeDetector(lambda picture: [person]))
    expected = scale_to_frame(picture, crop_around(person, height, width))
    assert view.crop == crop_around(person, height, width)
    assert np.abs(view.frame.astype(int) - expected).max() <= 2


def test_where_nobody_is_the_whole_picture_is_seen():
    seen = list(views(video(30), "auto", MadeDetector(lambda picture: [])))
    assert [(view.crop, view.is_found) for view in seen] == [(Crop(0, 0, 640, 400), False)] * 30


@pytest.mark.parametrize("rate, first_looks", [(25, [0, 13, 18, 23]), (100, [0, 15, 20, 25]), (1, [0, 1, 2, 3])])
def test_looks_now_and_then_and_more_often_at_a_person_who_is_known(rate, first_looks):
    looked_at = []
    detector = MadeDetector(lambda picture: looked_at.append(int(picture[0, 0, 0])) or [PERSON])
    count = 120
    random = np.random.default_rng(0).integers(60, 70, (400, 640, 3), dtype=np.uint8)
    frames = []
    for number in range(count):
        random[0, 0, 0] = number
        frames.append(Frame(random.copy(), seconds=number / rate))
    assert len(list(views(frames, "auto", detector))) == count
    assert looked_at[:4] == first_looks
    assert set(np.diff(looked_at[1:])) == {1 if rate == 1 else MOST_FRAMES_PER_LOOK} and SECONDS_PER_LOOK == 0.2
    # The whole picture until somebody is seen twice, and now and then after.
    whole = [number for number, around in enumerate(detector.asked, 1) if around is None]
    assert whole == [1, 2, *range(LOOKS_PER_SEARCH_UNSURE, len(detector.asked) + 1, LOOKS_PER_SEARCH_UNSURE)]
    assert {around for around in detector.asked if around is not None} == {PERSON}


def test_what_is_seen_once_is_not_looked_for():
    there = itertools.chain([[UpperBody(100, 300, 200)]], itertools.repeat([PERSON]))
    detector = MadeDetector(lambda picture: next(there))
    seen = list(views(video(130), "auto", detector))
    assert detector.asked[:4] == [None, None, None, PERSON]
    assert {view.person for view in seen} == {None, PERSON} and seen[30].person == PERSON


def test_a_cut_is_looked_at_and_the_box_does_not_glide_over_it():
    other = UpperBody(200, 200, 50)
    detector = MadeDetector(lambda picture: [PERSON if picture.mean() < 150 else other])
    seen = list(views(video(40, lambda number: 60 if number < 20 else 160), "auto", detector))
    crops = [crop_around(PERSON, 400, 640)] * 20 + [crop_around(other, 400, 640)] * 20
    assert [view.crop for view in seen] == crops


def test_pictures_of_other_sizes_begin_anew():
    detector = MadeDetector(lambda picture: [UpperBody(picture.shape[1] / 2, picture.shape[0] / 2, 40)])
    frames = [Frame(next(video(1, size=size)).picture, name=str(size)) for size in [(300, 300), (200, 500), (500, 200)]]
    for view, (height, width) in zip(
        views(frames, "auto", detector), [(300, 300), (200, 500), (500, 200)], strict=True
    ):
        assert view.crop == crop_around(UpperBody(width / 2, height / 2, 40), height, width)


def test_other_choices_ask_nobody():
    frames = list(video(3))
    for choice, crop in (("none", Crop(0, 0, 640, 400)), (Crop(3, 4, 50, 60), Crop(3, 4, 50, 60))):
        seen = list(views(frames, choice, None))
        assert [(view.crop, view.is_found, view.person) for view in seen] == [(crop, True, None)] * 3


@pytest.mark.parametrize("choice", ["auto", "none", Crop(100, 50, 320, 200)])
def test_tells_where_shots_begin(choice):
    frames = video(40, lambda number: 60 if 7 <= number < 20 else 160)
    begun = [number for number, view in enumerate(views(frames, choice, MadeDetector())) if view.begins_shot]
    assert begun == [0, 7, 20]


def test_the_box_goes_where_the_model_sees_the_person_whom_nobody_else_sees():
    there = iter([[PERSON]] * 4)
    moved = UpperBody(PERSON.x + 40, PERSON.y, PERSON.width)
    seen = list(views(video(100), "auto", MadeDetector(lambda picture: next(there, [])), lambda *_: moved))
    assert seen[0].is_found and seen[75].person == moved
