import numpy as np
import pytest

from video.crop import Crop, scale_to_frame
from video.files.media import Frame
from video.tracking.detection import DETECTIONS_PER_SEARCH_UNCONFIRMED, FRAMES_TRACKED, SECONDS_TRACKED
from video.tracking.person import Person, crop_around
from video.tracking.views import views

PERSON = Person(420, 300, 60)


class FakeDetector:
    """Returns what `people_in` returns for a picture; records the person it searched around."""

    def __init__(self, people_in=lambda picture: [PERSON]):
        self.people_in, self.searched = people_in, []

    def __call__(self, picture, around=None, is_confirmed=True):
        self.searched.append(around)
        return self.people_in(picture)


def video(count, brightness=lambda number: 90, size=(400, 640), rate=25):
    random = np.random.default_rng(0)
    texture = random.integers(0, 60, (*size, 3), dtype=np.uint8)
    for number in range(count):
        yield Frame(texture + np.uint8(brightness(number)), seconds=number / rate)


def test_the_view_is_the_surroundings_of_the_person():
    [first, *_] = frames = list(video(3))
    seen = list(views(frames, "auto", FakeDetector()))
    crop = crop_around(PERSON, 400, 640)
    assert [view.crop for view in seen] == [crop] * 3 and all(view.is_found for view in seen)
    np.testing.assert_array_equal(seen[0].frame, scale_to_frame(first.picture, crop))
    assert seen[0].person == PERSON


@pytest.mark.parametrize("size", [(720, 1280), (800, 1000), (1450, 725)])
def test_large_pictures_are_reduced_first(size):
    # Means of a gradient differ only by the rounding of the crop.
    height, width = size
    picture = np.zeros((height, width, 3), np.uint8)
    picture[..., 0] = np.linspace(0, 255, width)
    picture[..., 1] = np.linspace(0, 255, height)[:, np.newaxis]
    person = Person(width * 0.6, height * 0.5, 100)
    [view] = views([Frame(picture, seconds=0.0)], "auto", FakeDetector(lambda picture: [person]))
    expected = scale_to_frame(picture, crop_around(person, height, width))
    assert view.crop == crop_around(person, height, width)
    assert np.abs(view.frame.astype(int) - expected).max() <= 2


def test_the_view_is_the_whole_picture_if_nobody_is_found():
    seen = list(views(video(30), "auto", FakeDetector(lambda picture: [])))
    assert [(view.crop, view.is_found) for view in seen] == [(Crop(0, 0, 640, 400), False)] * 30


@pytest.mark.parametrize("rate, first_detections", [(25, [0, 13, 18, 23]), (100, [0, 15, 20, 25]), (1, [0, 1, 2, 3])])
def test_detections_are_more_frequent_while_a_person_is_tracked(rate, first_detections):
    detected_at = []
    detector = FakeDetector(lambda picture: detected_at.append(int(picture[0, 0, 0])) or [PERSON])
    count = 120
    random = np.random.default_rng(0).integers(60, 70, (400, 640, 3), dtype=np.uint8)
    frames = []
    for number in range(count):
        random[0, 0, 0] = number
        frames.append(Frame(random.copy(), seconds=number / rate))
    assert len(list(views(frames, "auto", detector))) == count
    assert detected_at[:4] == first_detections
    assert set(np.diff(detected_at[1:])) == {1 if rate == 1 else FRAMES_TRACKED} and SECONDS_TRACKED == 0.2
    # The whole picture is searched until somebody is detected twice, and sometimes after that.
    whole = [number for number, around in enumerate(detector.searched, 1) if around is None]
    assert whole == [
        1,
        2,
        *range(DETECTIONS_PER_SEARCH_UNCONFIRMED, len(detector.searched) + 1, DETECTIONS_PER_SEARCH_UNCONFIRMED),
    ]
    assert {around for around in detector.searched if around is not None} == {PERSON}


def test_the_crop_does_not_glide_across_a_cut():
    other = Person(200, 200, 50)
    detector = FakeDetector(lambda picture: [PERSON if picture.mean() < 150 else other])
    seen = list(views(video(40, lambda number: 60 if number < 20 else 160), "auto", detector))
    crops = [crop_around(PERSON, 400, 640)] * 20 + [crop_around(other, 400, 640)] * 20
    assert [view.crop for view in seen] == crops


def test_a_change_of_the_picture_size_begins_a_shot():
    detector = FakeDetector(lambda picture: [Person(picture.shape[1] / 2, picture.shape[0] / 2, 40)])
    frames = [Frame(next(video(1, size=size)).picture, name=str(size)) for size in [(300, 300), (200, 500), (500, 200)]]
    for view, (height, width) in zip(
        views(frames, "auto", detector), [(300, 300), (200, 500), (500, 200)], strict=True
    ):
        assert view.crop == crop_around(Person(width / 2, height / 2, 40), height, width)


def test_other_choices_do_not_use_the_detector():
    frames = list(video(3))
    for choice, crop in (("none", Crop(0, 0, 640, 400)), (Crop(3, 4, 50, 60), Crop(3, 4, 50, 60))):
        seen = list(views(frames, choice, None))
        assert [(view.crop, view.is_found, view.person) for view in seen] == [(crop, True, None)] * 3


@pytest.mark.parametrize("choice", ["auto", "none", Crop(100, 50, 320, 200)])
def test_beginnings_of_shots_are_marked(choice):
    frames = video(40, lambda number: 60 if 7 <= number < 20 else 160)
    begun = [number for number, view in enumerate(views(frames, choice, FakeDetector())) if view.begins_shot]
    assert begun == [0, 7, 20]


@pytest.mark.parametrize("aspect", [16 / 11, 0.75])
def test_pixels_that_are_not_square_are_taken_into_account(aspect):
    # A gradient as it is shown, and the same with pixels of this aspect ratio.
    height, width = 400, 640
    person = Person(width * 0.6, height * 0.5, 60)
    shown = np.zeros((height, width, 3), np.uint8)
    shown[..., 0] = np.linspace(0, 255, width)
    shown[..., 1] = np.linspace(0, 255, height)[:, np.newaxis]
    stored = np.zeros((height, round(width / aspect), 3), np.uint8)
    stored[..., 0] = np.linspace(0, 255, stored.shape[1])
    stored[..., 1] = np.linspace(0, 255, height)[:, np.newaxis]
    searched = []
    detector = FakeDetector(lambda picture: searched.append(picture.shape) or [person])
    [view] = views([Frame(stored, seconds=0.0, pixel_aspect=aspect)], "auto", detector)
    [expected] = views([Frame(shown, seconds=0.0)], "auto", FakeDetector(lambda picture: [person]))
    np.testing.assert_allclose(searched[0], shown.shape, atol=1)
    np.testing.assert_allclose(np.multiply(view.crop, [aspect, 1, aspect, 1]), expected.crop, atol=aspect)
    assert np.abs(view.frame.astype(int) - expected.frame).max() <= 3
