import numpy as np
import pytest

from video.tracking.detection import (
    MISSES_BEFORE_END,
    MISSES_BEFORE_SEARCH,
    SECONDS_SEARCHING,
    SECONDS_TRACKED,
    SearchState,
    detect,
)
from video.tracking.person import Person

PERSON, POSTER = Person(300, 200, 80), Person(700, 220, 100)
PICTURE = np.zeros((400, 900, 3), np.uint8)


def detections_of(answers, check=None, state=None):
    """Returns each (Detection, SearchState), and the person each search was around. answers: of the detector."""
    state = state or SearchState()
    searched, results = [], []
    for people in answers:

        def detector(picture, around=None, is_confirmed=True, people=people):
            searched.append(around)
            return list(people)

        detection, state = detect(state, detector, PICTURE, lambda crop: np.zeros((64, 64, 3), np.uint8), check)
        results.append((detection, state))
    return results, searched


def model_that_sees(*people):
    """A PoseCheck by a model that sees only these people, 8 pixels further right."""

    def check(scale, height, width, person):
        near = [other for other in people if other.is_near(person)]
        return near[0]._replace(x=near[0].x + 8) if near else None

    return check


def test_a_person_detected_twice_is_tracked_and_detected_more_often():
    results, searched = detections_of([[PERSON]] * 4)
    assert [state.person for _, state in results] == [None, PERSON, PERSON, PERSON]
    assert searched[:2] == [None, None] and searched[3] == PERSON
    assert results[0][1].interval[0] == SECONDS_SEARCHING and results[1][1].interval[0] == SECONDS_TRACKED


def test_a_confirmed_person_is_tracked_at_once_and_stays_confirmed():
    [(_, state)], _ = detections_of([[PERSON]], model_that_sees(PERSON))
    assert state.is_confirmed and state.person.is_near(PERSON)
    [(detection, state)], _ = detections_of([[PERSON]], model_that_sees(), state)
    assert state.is_confirmed and not detection.is_confirmed


def test_a_missed_person_is_searched_in_the_whole_picture_and_finally_given_up():
    state = SearchState(person=PERSON, is_confirmed=True, count=20)
    results, searched = detections_of([[]] * (MISSES_BEFORE_END + 1), state=state)
    assert searched == [PERSON] * MISSES_BEFORE_SEARCH + [None] * (MISSES_BEFORE_END + 1 - MISSES_BEFORE_SEARCH)
    assert [state.person for _, state in results] == [PERSON] * (MISSES_BEFORE_END - 1) + [None] * 2
    assert results[MISSES_BEFORE_SEARCH - 1][1].interval[0] == SECONDS_SEARCHING


def test_the_pose_model_moves_the_search_while_the_detector_misses_the_person():
    state = SearchState(person=PERSON, is_confirmed=True, count=20)
    results, searched = detections_of([[], []], model_that_sees(PERSON), state)
    moved = PERSON._replace(x=PERSON.x + 8)
    assert [detection.estimate for detection, _ in results] == [moved] * 2 and searched == [PERSON, moved]


def test_the_pose_model_corrects_the_detector():
    [(detection, _)], _ = detections_of([[PERSON]], model_that_sees(PERSON._replace(width=90)))
    [person] = detection.people
    assert detection.is_confirmed and person.x == PERSON.x + 8 and person.width == pytest.approx((80 * 90) ** 0.5)


def test_a_confirmed_person_is_preferred_to_larger_and_to_earlier_ones():
    results, _ = detections_of([[POSTER, PERSON]] * 2, model_that_sees(PERSON))
    assert all(len(detection.people) == 1 and detection.people[0].is_near(PERSON) for detection, _ in results)
    assert results[-1][1].person.is_near(PERSON)
    # The unconfirmed poster is tracked until the person appears.
    results, _ = detections_of([[POSTER]] * 2 + [[POSTER, PERSON]] * 8, model_that_sees(PERSON))
    assert results[1][1].person == POSTER
    assert results[-1][1].person.is_near(PERSON) and results[-1][1].is_confirmed


def test_a_model_that_sees_nobody_excludes_nobody():
    results, _ = detections_of([[POSTER, PERSON]] * 3, model_that_sees())
    assert all(detection.people == [POSTER, PERSON] and not detection.is_confirmed for detection, _ in results)
    assert results[-1][1].person == POSTER
