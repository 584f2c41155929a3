import weakref

import numpy as np
import pytest

from video.tracking.looks import Look
from video.tracking.person_track import LEAST_SIGHTINGS, LEAST_UNSURE, LONGEST_HOLD, LOOKS_AROUND, Sight, tracked
from video.tracking.upper_body import UpperBody

PERSON = UpperBody(300, 200, 80)
OTHER = UpperBody(700, 220, 60)
FRAMES_PER_LOOK = 5


def sights_of(looks, cuts=()):
    """Numbers for frames, of which every fifth is looked at. looks: each a Look, or the people whom it sees."""
    for number in range(len(looks) * FRAMES_PER_LOOK):
        look, rest = divmod(number, FRAMES_PER_LOOK)
        is_cut = rest == 0 and (look == 0 or look in cuts)
        seen = looks[look] if isinstance(looks[look], Look) else Look(looks[look])
        yield Sight(number, seen if rest == 0 else None, is_cut)


def boxes_of(looks, cuts=()):
    numbers, followed = zip(*tracked(sights_of(looks, cuts)), strict=True)
    assert list(numbers) == list(range(len(looks) * FRAMES_PER_LOOK))
    return [None if part is None else part.box for part in followed]


def moved(x=0.0, width=1.0):
    return UpperBody(PERSON.x + x * PERSON.width, PERSON.y, PERSON.width * width)


def test_a_person_who_hardly_moves_has_a_box_that_stands_still():
    random = np.random.default_rng(0)
    looks = [[moved(random.uniform(-0.25, 0.25), random.uniform(0.9, 1.1))] for _ in range(40)]
    boxes = boxes_of(looks)
    assert len(set(boxes)) == 1 and boxes[0].is_near(PERSON)


def test_a_person_who_walks_is_followed_without_jumps():
    boxes = boxes_of([[moved(0.1 * look)] for look in range(60)])
    xs = np.array([box.x for box in boxes])
    assert np.diff(xs).min() > -1e-6 and np.diff(xs).max() < 0.15 * PERSON.width
    truth = PERSON.x + 0.1 * PERSON.width * np.arange(len(xs)) / FRAMES_PER_LOOK
    assert np.abs(xs - truth).max() < 0.6 * PERSON.width


def test_one_wrong_sighting_is_outvoted():
    looks = [[PERSON]] * 20
    looks[0] = looks[10] = [UpperBody(350, 230, 110)]
    looks[15] = [OTHER]
    assert set(boxes_of(looks)) == {PERSON}


def test_a_thing_seen_once_is_nobody():
    looks = [[] for _ in range(20)]
    looks[10] = [PERSON]
    assert set(boxes_of(looks)) == {None}
    # Of a single look there is nothing to compare it with.
    assert set(boxes_of([[PERSON]])) == {PERSON}


def test_a_person_not_seen_for_a_while_is_still_there_but_not_for_ever():
    looks = [[PERSON]] * 10 + [[]] * 40
    boxes = boxes_of(looks)
    end = boxes.index(None)
    assert set(boxes[:end]) == {PERSON} and set(boxes[end:]) == {None}
    # The last look that tells of the person is the tenth; two sightings after it would make another.
    assert end == (9 + LOOKS_AROUND + 1 + LONGEST_HOLD) * FRAMES_PER_LOOK
    assert boxes_of(looks[:15] + [[PERSON]] * 5) == [PERSON] * 100


@pytest.mark.parametrize("is_sure, least", [(True, LEAST_SIGHTINGS), (False, LEAST_UNSURE)])
def test_fewer_sightings_are_enough_where_the_model_is_sure(is_sure, least):
    looks = [Look([]) for _ in range(20)]
    for number in range(8, 8 + least):
        looks[number] = Look([PERSON], is_sure)
    assert PERSON in boxes_of(looks)
    looks[8] = Look([])
    assert set(boxes_of(looks)) == {None}


def test_somebody_who_comes_is_there_a_little_before():
    boxes = boxes_of([[]] * 10 + [Look([PERSON], is_sure=True)] * 10)
    assert boxes.index(PERSON) in range((10 - LOOKS_AROUND) * FRAMES_PER_LOOK, 10 * FRAMES_PER_LOOK)


@pytest.mark.parametrize("first, second", [(PERSON, OTHER), (OTHER, PERSON)])
def test_of_two_the_one_who_was_there_first_is_followed(first, second):
    looks = [[first]] * 8 + [[second, first]] * 20
    assert set(boxes_of(looks)) == {first}


def test_of_two_the_larger_one_is_followed_and_the_other_when_that_one_leaves():
    boxes = boxes_of([[OTHER, PERSON]] * 8 + [[OTHER]] * 20)
    assert boxes[0] == PERSON and boxes[-1] == OTHER and set(boxes) == {PERSON, OTHER}


def test_one_of_whom_the_model_is_sure_is_followed_at_once():
    unsure, sure = Look([PERSON]), Look([OTHER], is_sure=True)
    boxes = boxes_of([unsure] * 4 + [sure] * 12)
    assert boxes[:10] == [PERSON] * 10 and boxes[5 * FRAMES_PER_LOOK :] == [OTHER] * 55
    # A single one is outvoted.
    assert set(boxes_of([unsure] * 8 + [sure] + [unsure] * 8)) == {PERSON}


def test_a_person_of_whom_only_the_model_tells_is_followed_but_not_for_ever():
    looks = [[PERSON]] * 6 + [Look([], guess=moved(0.1 * number)) for number in range(30)]
    boxes = boxes_of(looks)
    end = boxes.index(None)
    assert end == (5 + LOOKS_AROUND + 1 + LONGEST_HOLD) * FRAMES_PER_LOOK
    assert boxes[end - 1].x > PERSON.x + 0.8 * PERSON.width
    # Of somebody else's place it is not believed.
    assert set(boxes_of([[PERSON]] * 6 + [Look([], guess=OTHER)] * 5)) == {PERSON}


def test_a_cut_changes_the_box_at_once():
    boxes = boxes_of([[PERSON]] * 6 + [[OTHER]] * 6 + [[]] * 6, cuts=(6, 12))
    assert boxes == [PERSON] * 30 + [OTHER] * 30 + [None] * 30


class Picture:
    """In place of a frame; can be told to have been let go of."""


def test_no_more_frames_wait_than_those_of_the_looks_ahead():
    alive = weakref.WeakSet()

    def pictures():
        for sight in sights_of([[PERSON]] * 100):
            picture = Picture()
            alive.add(picture)
            yield sight._replace(frame=picture)

    most = max(len(alive) for _ in tracked(pictures()))
    assert LOOKS_AROUND * FRAMES_PER_LOOK < most <= (LOOKS_AROUND + 2) * FRAMES_PER_LOOK
