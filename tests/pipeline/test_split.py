import numpy as np
import pytest

from pipeline.split import SPLITS, split_data_sets, split_sequences
from support.user_error import UserError

# 30 videos of 5 to 60 sequences each, shuffled.
SIZES = np.random.default_rng(1).integers(5, 61, 30)
VIDEOS = np.random.default_rng(2).permutation(np.repeat(np.arange(30, dtype=np.int32), SIZES))


def check_is_a_split(training, validation, number):
    assert training.dtype == validation.dtype == np.int32
    assert (np.diff(training) > 0).all() and (np.diff(validation) > 0).all()
    assert len(training) and len(validation)
    assert sorted([*training, *validation]) == list(range(number))


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("wanted", [1, 5, 100, 400, len(VIDEOS) - 70])
def test_by_video_keeps_videos_whole(wanted, seed):
    training, validation = split_sequences(VIDEOS, "video", wanted, seed)
    check_is_a_split(training, validation, len(VIDEOS))
    assert not set(VIDEOS[training]) & set(VIDEOS[validation])
    assert wanted <= len(validation) < wanted + SIZES.max()


def test_by_video_stops_when_the_videos_fill_it_exactly():
    training, validation = split_sequences(np.repeat(np.arange(6), 10), "video", 20, seed=0)
    assert (len(training), len(validation)) == (40, 20)


@pytest.mark.parametrize("wanted", [1, 7, 999])
def test_random_draws_exactly_as_many(wanted):
    training, validation = split_sequences(np.zeros(1000, np.int32), "random", wanted, seed=3)
    check_is_a_split(training, validation, 1000)
    assert len(validation) == wanted


def test_random_draws_from_everywhere():
    _, validation = split_sequences(np.zeros(1000, np.int32), "random", 200, seed=3)
    assert all(20 <= count <= 60 for count in np.histogram(validation, 5, (0, 1000))[0])


@pytest.mark.parametrize("wanted", [1, 7, 999])
def test_tail_takes_the_last_ones(wanted):
    training, validation = split_sequences(np.zeros(1000, np.int32), "tail", wanted, seed=3)
    assert validation.tolist() == list(range(1000 - wanted, 1000))
    assert training.tolist() == list(range(1000 - wanted))


@pytest.mark.parametrize("wanted, expected", [(7, 7), (None, 100), (1000, 1000), (5000, 1000)])
def test_none_trains_on_all_and_validates_on_some_of_them(wanted, expected):
    training, validation = split_sequences(np.zeros(1000, np.int32), "none", wanted, seed=3)
    assert training.tolist() == list(range(1000))
    assert len(np.unique(validation)) == len(validation) == expected
    assert set(validation.tolist()) <= set(range(1000))
    assert training.dtype == validation.dtype == np.int32


@pytest.mark.parametrize("kind", SPLITS)
def test_depends_on_the_seed_alone(kind):
    def split(seed):
        return [side.tolist() for side in split_sequences(VIDEOS, kind, 100, seed)]

    np.random.seed(0)
    first = split(5)
    np.random.seed(1)
    assert split(5) == first
    assert (split(6) == first) == (kind == "tail")


def test_by_default_whole_videos_have_at_least_a_hundred():
    _, validation = split_sequences(np.repeat(np.arange(50), 15), "video", None, seed=0)
    assert len(validation) == 105


@pytest.mark.parametrize("kind", [kind for kind in SPLITS if kind != "none"])
@pytest.mark.parametrize("wanted", [1000, 1001, 10**9])
def test_refuses_to_leave_no_training_sequences(kind, wanted):
    with pytest.raises(UserError, match=f"{wanted} validation sequences of 1000 leave none to train on"):
        split_sequences(np.arange(1000), kind, wanted, seed=0)


def test_refuses_the_default_if_there_are_too_few():
    with pytest.raises(UserError, match="100 validation sequences of 60 leave none to train on"):
        split_sequences(np.arange(60), "random", None, seed=0)


@pytest.mark.parametrize("kind", SPLITS)
def test_refuses_no_validation_sequences(kind):
    with pytest.raises(UserError, match="there are no validation sequences"):
        split_sequences(np.arange(1000), kind, 0, seed=0)


@pytest.mark.parametrize("videos, wanted", [(np.zeros(200), 1), (np.repeat([0, 1], 100), 101)])
def test_refuses_if_every_video_is_needed(videos, wanted):
    with pytest.raises(UserError, match="leaves none to train on; .*--validation-split random"):
        split_sequences(videos, "video", wanted, seed=0)


@pytest.mark.parametrize("kind", ["random", "tail"])
@pytest.mark.parametrize("number, expected", [(500, 100), (7000, 700), (8004, 800), (19_990, 1999), (700_000, 2000)])
def test_by_default_a_tenth_from_100_to_2000_is_for_validation(kind, number, expected):
    training, validation = split_sequences(np.zeros(number, np.int32), kind, None, seed=0)
    assert (len(training), len(validation)) == (number - expected, expected)


# Several data sets


def test_a_single_data_set_is_split_as_before():
    for kind in SPLITS:
        for wanted in (None, 40):
            [training], [validation] = split_data_sets([VIDEOS], kind, wanted, seed=3)
            expected = split_sequences(VIDEOS, kind, wanted, seed=3)
            np.testing.assert_array_equal(training, expected[0])
            np.testing.assert_array_equal(validation, expected[1])


@pytest.mark.parametrize("kind", ["random", "tail"])
@pytest.mark.parametrize("wanted, expected", [(100, [75, 24, 1]), (4, [3, 1, 1]), (None, [100, 32, 1])])
def test_validation_sequences_are_divided_in_proportion(wanted, expected, kind):
    videos = [np.zeros(1000, int), np.zeros(320, int), np.zeros(10, int)]
    training, validation = split_data_sets(videos, kind, wanted, seed=0)
    assert [len(one) for one in validation] == expected
    for one, trained, validated in zip(videos, training, validation, strict=True):
        check_is_a_split(trained, validated, len(one))


def test_by_video_splits_each_data_set_but_one_of_a_single_video():
    single, several = np.full(60, 7), np.repeat(np.arange(10), 20)
    training, validation = split_data_sets([several, single], "video", 50, seed=2)
    check_is_a_split(training[0], validation[0], 200)
    assert not set(several[training[0]]) & set(several[validation[0]])
    assert training[1].tolist() == list(range(60)) and validation[1].tolist() == []
    with pytest.raises(UserError, match="leaves none to train on"):
        split_data_sets([single, single], "video", 50, seed=2)
