import numpy as np

from video.shots import is_cut, split_before, thumbnail


def test_a_cut_is_a_change_of_most_of_the_picture():
    random = np.random.default_rng(0)
    picture = random.integers(0, 200, (90, 160, 3), dtype=np.uint8)
    brighter = np.where(np.arange(160)[:, np.newaxis] < 40, picture + np.uint8(50), picture)
    assert is_cut(None, thumbnail(picture))
    assert not is_cut(thumbnail(picture), thumbnail(picture[:, ::-1]))
    assert not is_cut(thumbnail(picture), thumbnail(brighter))
    assert is_cut(thumbnail(picture), thumbnail(picture + np.uint8(40)))


def test_split_before_is_lazy_and_keeps_all_items():
    read = []

    def items():
        for number in range(12):
            read.append(number)
            yield number

    parts = split_before(items(), lambda number: number in (0, 5, 6))
    assert next(next(parts)) == 0 and read == [0]
    assert [list(part) for part in split_before(range(12), lambda number: number in (5, 6))] == [
        [0, 1, 2, 3, 4],
        [5],
        [6, 7, 8, 9, 10, 11],
    ]
    assert list(split_before([], bool)) == []
