import numpy as np
import pytest

from video.tracking.looks import (
    MISSED_BEFORE_END,
    MISSED_BEFORE_SEARCH,
    SECONDS_PER_LOOK,
    SECONDS_PER_SEARCH,
    Known,
    look,
)
from video.tracking.upper_body import UpperBody

PERSON, POSTER = UpperBody(300, 200, 80), UpperBody(700, 220, 100)
NOTHING = Known()
PICTURE = np.zeros((400, 900, 3), np.uint8)


def scaled(crop):
    return np.zeros((64, 64, 3), np.uint8)


def looks(answers, steering=None, known=NOTHING):
    """What each look sees and what is known then; answers: whom the detector sees. Also around whom it was asked."""
    asked, seen = [], []
    for people in answers:

        def detector(picture, around=None, is_sure=True, people=people):
            asked.append(around)
            return list(people)

        result, known = look(known, detector, PICTURE, scaled, steering)
        seen.append((result, known))
    return seen, asked


def sees_only(*people):
    """Steering by a model that sees only these, a little to the right of where they are taken to be."""

    def steering(scaled, height, width, body):
        near = [other for other in people if other.is_near(body)]
        return near[0]._replace(x=near[0].x + 8) if near else None

    return steering


def test_who_is_seen_twice_is_known_and_looked_at_more_often():
    seen, asked = looks([[PERSON]] * 4)
    assert [known.person for _, known in seen] == [None, PERSON, PERSON, PERSON]
    assert asked[:2] == [None, None] and asked[3] == PERSON
    assert seen[0][1].pause[0] == SECONDS_PER_SEARCH and seen[1][1].pause[0] == SECONDS_PER_LOOK


def test_who_is_seen_by_the_model_too_is_known_at_once_and_stays_so():
    agrees = sees_only(PERSON)
    seen, asked = looks([[PERSON]], agrees)
    [(_, known)] = seen
    assert known.is_sure and known.person.is_near(PERSON)
    [(result, known)], _ = looks([[PERSON]], sees_only(), known)
    assert known.is_sure and not result.is_sure


def test_a_person_who_is_missed_is_searched_for_in_the_whole_picture_and_given_up_at_last():
    known = Known(person=PERSON, is_sure=True, looks=20)
    seen, asked = looks([[]] * (MISSED_BEFORE_END + 1), known=known)
    assert asked == [PERSON] * MISSED_BEFORE_SEARCH + [None] * (MISSED_BEFORE_END + 1 - MISSED_BEFORE_SEARCH)
    persons = [known.person for _, known in seen]
    assert persons == [PERSON] * (MISSED_BEFORE_END - 1) + [None] * 2
    assert seen[MISSED_BEFORE_SEARCH - 1][1].pause[0] == SECONDS_PER_SEARCH


def test_while_the_detector_misses_the_person_the_model_tells_where_to_look():
    known = Known(person=PERSON, is_sure=True, looks=20)
    seen, asked = looks([[], []], sees_only(PERSON), known)
    moved = PERSON._replace(x=PERSON.x + 8)
    assert [result.guess for result, _ in seen] == [moved] * 2 and asked == [PERSON, moved]


def test_the_model_corrects_where_a_face_tells_of_a_person():
    larger = PERSON._replace(width=90)
    [(result, _)], _ = looks([[PERSON]], sees_only(larger))
    [body] = result.people
    assert result.is_sure and body.x == PERSON.x + 8 and body.width == pytest.approx((80 * 90) ** 0.5)


def test_one_whom_the_model_sees_is_preferred_to_a_larger_one_and_to_one_known_before():
    seen, _ = looks([[POSTER, PERSON]] * 2, sees_only(PERSON))
    assert all(len(result.people) == 1 and result.people[0].is_near(PERSON) for result, _ in seen)
    assert seen[-1][1].person.is_near(PERSON)
    # The poster alone is nobody's but the detector's, until the person turns up.
    seen, _ = looks([[POSTER]] * 2 + [[POSTER, PERSON]] * 8, sees_only(PERSON))
    assert seen[1][1].person == POSTER and seen[-1][1].person.is_near(PERSON) and seen[-1][1].is_sure


def test_a_model_that_sees_nobody_rules_nobody_out():
    seen, _ = looks([[POSTER, PERSON]] * 3, sees_only())
    assert all(result.people == [POSTER, PERSON] and not result.is_sure for result, _ in seen)
    assert seen[-1][1].person == POSTER
