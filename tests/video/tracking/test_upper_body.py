import pytest

from video.tracking.upper_body import HEIGHT, SHARE_ABOVE, WIDTH, UpperBody, crop_around, middle_of


def share_across(crop, body):
    return (body.x - crop.x) / crop.width


def test_the_box_is_that_of_the_training_pictures():
    body = UpperBody(900, 300, 70)
    crop = crop_around(body, 720, 1280)
    assert (crop.width, crop.height) == (round(70 * WIDTH), round(70 * HEIGHT))
    assert share_across(crop, body) == pytest.approx(0.5, abs=0.01)
    assert (body.y - crop.y) / crop.height == pytest.approx(SHARE_ABOVE, abs=0.01)


@pytest.mark.parametrize("x", [120, 640, 1160])
@pytest.mark.parametrize("y", [90, 360, 600])
def test_near_an_edge_the_box_is_moved_into_the_picture(x, y):
    crop = crop_around(UpperBody(x, y, 70), 720, 1280)
    assert crop.x >= 0 and crop.y >= 0 and crop.x + crop.width <= 1280 and crop.y + crop.height <= 720
    assert crop.x < x < crop.x + crop.width and crop.y < y < crop.y + crop.height


@pytest.mark.parametrize("x, y", [(0, 0), (1280, 720), (5, 715)])
def test_at_an_edge_the_person_stays_away_from_the_boxs_own_edges(x, y):
    crop = crop_around(UpperBody(x, y, 70), 720, 1280)
    assert 0.24 < share_across(crop, UpperBody(x, y, 70)) < 0.76


def test_in_a_narrow_picture_the_box_is_as_wide_as_that():
    crop = crop_around(UpperBody(360, 500, 140), 1280, 720)
    assert (crop.x, crop.width) == (0, 720)


def test_a_person_who_fills_the_picture_is_seen_with_something_around():
    body = UpperBody(88, 105, 90)
    crop = crop_around(body, 144, 176)
    assert crop.width > 4 * body.width and crop.height > 2.5 * body.width
    assert crop.x < 0 < 176 < crop.x + crop.width and crop.y <= 0 < 144 < crop.y + crop.height


def test_who_may_be_the_same_person():
    body = UpperBody(100, 100, 50)
    assert body.is_near(UpperBody(130, 100, 60)) and body.is_near(body)
    assert not body.is_near(UpperBody(180, 100, 50)) and not body.is_near(UpperBody(100, 100, 90))


def test_the_middle_of_some_is_their_median():
    assert middle_of([UpperBody(1, 5, 9), UpperBody(2, 90, 8), UpperBody(500, 4, 7)]) == UpperBody(2, 5, 8)
