import numpy as np
import pytest

from run.data_choice import DataFile, chosen_sequences, data_files, is_video_choice
from support.user_error import UserError

# Of two, three and four sequences.
VIDEOS = np.array([0, 0, 1, 1, 1, 2, 2, 2, 2], np.int32)


class Store:
    """Stands for an open SequenceStore."""

    def __init__(self, path):
        self.path, self.name, self.videos = path, path.split("/")[-1], VIDEOS

    def __len__(self):
        return len(VIDEOS)


ONE = [Store("data/a.h5")]
TWO = [Store("data/a.h5"), Store("own/b.h5")]


@pytest.mark.parametrize(
    "data, expected",
    [
        ("a.h5", [("a.h5", 1)]),
        ("a.h5:3", [("a.h5", 3)]),
        (["a.h5", "b.h5:12"], [("a.h5", 1), ("b.h5", 12)]),
        ("C:\\data\\a.h5", [("C:\\data\\a.h5", 1)]),
        ("a:2.h5", [("a:2.h5", 1)]),
        ("odd:3:1", [("odd:3", 1)]),
        ("a.h5:0", [("a.h5:0", 1)]),
    ],
)
def test_files_and_weights(data, expected):
    assert data_files(data) == [DataFile(*one) for one in expected]


def test_a_file_that_is_given_twice_is_refused():
    with pytest.raises(UserError, match=r"--data has \./a\.h5 twice; give it once, with a weight: \./a\.h5:2"):
        data_files(["a.h5", "b.h5", "./a.h5:2"])


@pytest.mark.parametrize("text", ["0", "0-3", "0-3,7,9-9", "a.h5:0-3", "C:\\data\\a.h5:5,6"])
def test_texts_that_choose_videos(text):
    assert is_video_choice(text)


@pytest.mark.parametrize("text", ["", "a", "1-", "-1", "1,,2", "1-2-3", "a.h5:", ":1", "1 2", "1" * 10, "٣"])
def test_texts_that_choose_none(text):
    assert not is_video_choice(text)


@pytest.mark.parametrize(
    "videos, excluded, expected",
    [
        ([], [], range(9)),
        (["1"], [], [2, 3, 4]),
        (["0,2"], [], [0, 1, 5, 6, 7, 8]),
        (["0", "a.h5:1"], [], range(5)),
        (["0-2"], ["1-9"], [0, 1]),
        ([], ["data/a.h5:0-1"], [5, 6, 7, 8]),
    ],
)
def test_sequences_of_chosen_videos(videos, excluded, expected):
    [chosen] = chosen_sequences(ONE, videos, excluded)
    assert chosen.tolist() == list(expected)


def test_of_several_files_those_that_are_not_named_stay_complete():
    first, second = chosen_sequences(TWO, ["b.h5:0", "own/b.h5:2"], ["b.h5:2", "a.h5:0"])
    assert (first.tolist(), second.tolist()) == (list(range(2, 9)), [0, 1])


@pytest.mark.parametrize(
    "files, videos, excluded, message",
    [
        (ONE, ["3"], [], "--videos 3: data/a.h5 has the videos 0 to 2, not 3"),
        (ONE, ["0-1,2-1"], [], "data/a.h5 has the videos 0 to 2, not 2-1"),
        (ONE, [], ["7"], "--exclude-videos 7: data/a.h5 has the videos 0 to 2"),
        (ONE, ["1"], ["0-2"], "the options leave no video of data/a.h5; choose other videos, or omit the file"),
        (TWO, ["1"], [], "--videos 1: name the file, as in a.h5:0-9, because --data has several"),
        (TWO, ["c.h5:1"], [], "--videos c.h5:1: --data has no file c.h5"),
        ([Store("x/a.h5"), Store("y/a.h5")], ["a.h5:1"], [], "--data has no file a.h5, or several"),
    ],
)
def test_choices_that_name_nothing_are_refused(files, videos, excluded, message):
    with pytest.raises(UserError) as refused:
        chosen_sequences(files, videos, excluded)
    assert message in str(refused.value)
