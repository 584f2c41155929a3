import dataclasses
import weakref

import numpy as np
import pytest

from video.tracking.detection import Detection
from video.tracking.person import Person
from video.tracking.person_track import (
    DETECTIONS_AROUND,
    LEAST_VOTES,
    LEAST_VOTES_UNCONFIRMED,
    LONGEST_GAP,
    SampledFrame,
    track_person,
)

PERSON = Person(300, 200, 80)
OTHER = Person(700, 220, 60)
FRAMES_PER_DETECTION = 5


def sampled(detections, cuts=()):
    """Numbers in place of frames, with a detection in every fifth. detections: Detections, or lists of people."""
    for number in range(len(detections) * FRAMES_PER_DETECTION):
        index, rest = divmod(number, FRAMES_PER_DETECTION)
        begins_shot = rest == 0 and (index == 0 or index in cuts)
        given = detections[index]
        detection = given if isinstance(given, Detection) else Detection(given)
        yield SampledFrame(number, detection if rest == 0 else None, begins_shot)


def crop_centers(detections, cuts=()):
    numbers, tracked = zip(*track_person(sampled(detections, cuts)), strict=True)
    assert list(numbers) == list(range(len(detections) * FRAMES_PER_DETECTION))
    return [None if part is None else part.crop_center for part in tracked]


def moved(x=0.0, width=1.0):
    return Person(PERSON.x + x * PERSON.width, PERSON.y, PERSON.width * width)


def test_the_crop_stands_still_while_the_person_hardly_moves():
    random = np.random.default_rng(0)
    detections = [[moved(random.uniform(-0.25, 0.25), random.uniform(0.9, 1.1))] for _ in range(40)]
    centers = crop_centers(detections)
    assert len(set(centers)) == 1 and centers[0].is_near(PERSON)


def test_a_walking_person_is_tracked_without_jumps():
    centers = crop_centers([[moved(0.1 * index)] for index in range(60)])
    xs = np.array([center.x for center in centers])
    assert np.diff(xs).min() > -1e-6 and np.diff(xs).max() < 0.15 * PERSON.width
    truth = PERSON.x + 0.1 * PERSON.width * np.arange(len(xs)) / FRAMES_PER_DETECTION
    assert np.abs(xs - truth).max() < 0.6 * PERSON.width


def test_a_single_wrong_detection_is_outvoted():
    detections = [[PERSON]] * 20
    detections[0] = detections[10] = [Person(350, 230, 110)]
    detections[15] = [OTHER]
    assert set(crop_centers(detections)) == {PERSON}


def test_a_single_detection_is_not_tracked():
    detections = [[] for _ in range(20)]
    detections[10] = [PERSON]
    assert set(crop_centers(detections)) == {None}
    # The only detection of a video cannot be compared with others.
    assert set(crop_centers([[PERSON]])) == {PERSON}


def test_an_undetected_person_is_tracked_for_a_limited_time():
    detections = [[PERSON]] * 10 + [[]] * 40
    centers = crop_centers(detections)
    end = centers.index(None)
    assert set(centers[:end]) == {PERSON} and set(centers[end:]) == {None}
    # The tenth detection is the last one with the person.
    assert end == (9 + DETECTIONS_AROUND + 1 + LONGEST_GAP) * FRAMES_PER_DETECTION
    assert crop_centers(detections[:15] + [[PERSON]] * 5) == [PERSON] * 100


@pytest.mark.parametrize("is_confirmed, least", [(True, LEAST_VOTES), (False, LEAST_VOTES_UNCONFIRMED)])
def test_confirmed_detections_require_fewer_votes(is_confirmed, least):
    detections = [Detection([]) for _ in range(20)]
    for number in range(8, 8 + least):
        detections[number] = Detection([PERSON], is_confirmed)
    assert PERSON in crop_centers(detections)
    detections[8] = Detection([])
    assert set(crop_centers(detections)) == {None}


def test_tracking_starts_shortly_before_the_first_detection():
    centers = crop_centers([[]] * 10 + [Detection([PERSON], is_confirmed=True)] * 10)
    assert centers.index(PERSON) in range((10 - DETECTIONS_AROUND) * FRAMES_PER_DETECTION, 10 * FRAMES_PER_DETECTION)


@pytest.mark.parametrize("first, second", [(PERSON, OTHER), (OTHER, PERSON)])
def test_the_first_of_two_people_is_tracked(first, second):
    detections = [[first]] * 8 + [[second, first]] * 20
    assert set(crop_centers(detections)) == {first}


def test_the_larger_of_two_people_is_tracked_until_they_leave():
    centers = crop_centers([[OTHER, PERSON]] * 8 + [[OTHER]] * 20)
    assert centers[0] == PERSON and centers[-1] == OTHER and set(centers) == {PERSON, OTHER}


def test_a_confirmed_person_replaces_an_unconfirmed_one():
    unconfirmed, confirmed = Detection([PERSON]), Detection([OTHER], is_confirmed=True)
    centers = crop_centers([unconfirmed] * 4 + [confirmed] * 12)
    assert centers[:10] == [PERSON] * 10 and centers[5 * FRAMES_PER_DETECTION :] == [OTHER] * 55
    # A single confirmed detection is outvoted.
    assert set(crop_centers([unconfirmed] * 8 + [confirmed] + [unconfirmed] * 8)) == {PERSON}


def test_the_pose_model_alone_is_followed_while_it_sees_the_person():
    seen = [Detection([], estimate=moved(0.1 * number)) for number in range(30)]
    centers = crop_centers([[PERSON]] * 6 + seen + [[]] * 30)
    end = centers.index(None)
    assert end == (36 + DETECTIONS_AROUND + LONGEST_GAP) * FRAMES_PER_DETECTION
    assert centers[end - 1].x > PERSON.x + 2.5 * PERSON.width
    # Estimates far from the person are ignored.
    centers = crop_centers([[PERSON]] * 6 + [Detection([], estimate=OTHER)] * 30)
    assert set(centers) == {PERSON, None} and centers.index(None) == 125 - 6 * FRAMES_PER_DETECTION


def test_the_crop_changes_at_once_at_a_cut():
    centers = crop_centers([[PERSON]] * 6 + [[OTHER]] * 6 + [[]] * 6, cuts=(6, 12))
    assert centers == [PERSON] * 30 + [OTHER] * 30 + [None] * 30


class Picture:
    """Stands in for a frame and supports weak references."""


def test_only_the_frames_up_to_the_third_next_detection_wait_in_memory():
    alive = weakref.WeakSet()

    def pictures():
        for frame in sampled([[PERSON]] * 100):
            picture = Picture()
            alive.add(picture)
            yield dataclasses.replace(frame, frame=picture)

    most = max(len(alive) for _ in track_person(pictures()))
    assert DETECTIONS_AROUND * FRAMES_PER_DETECTION < most <= (DETECTIONS_AROUND + 2) * FRAMES_PER_DETECTION
