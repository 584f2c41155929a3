import numpy as np
import pytest

from evaluation.sequence_ranking import SequenceRanking


def add_off_by(ranking, indices, errors):
    """Adds sequences whose mean errors are the given ones, in pixels; later frames are off by more."""
    labels = np.random.default_rng(0).uniform(0, 64, (len(indices), 10, 7, 2)).astype(np.float32)
    of_frames = np.asarray(errors)[:, None] * np.linspace(0.5, 1.5, 10)
    predictions = labels + of_frames[..., None, None].astype(np.float32) * np.float32([0.6, -0.8])
    ranking.add(np.asarray(indices), predictions, labels)


@pytest.mark.parametrize("number", [3, 4, 99, 100])
def test_best_middle_and_worst_of_a_full_sort(number):
    random = np.random.default_rng(number)
    indices, errors = random.permutation(1000)[:number], random.uniform(0, 30, number)
    ranking = SequenceRanking()
    for start in range(0, number, 7):
        add_off_by(ranking, indices[start : start + 7], errors[start : start + 7])
    order = indices[np.argsort(errors)]
    middle = order[number // 2] if number % 2 else order[number // 2 - 1]
    assert ranking.best_middle_worst() == {"best": order[0], "middle": middle, "worst": order[-1]}


def test_of_few_sequences_none_is_there_twice():
    ranking = SequenceRanking()
    add_off_by(ranking, [8], [2.0])
    assert ranking.best_middle_worst() == {"best": 8}
    add_off_by(ranking, [5], [1.0])
    assert ranking.best_middle_worst() == {"best": 5, "worst": 8}
    add_off_by(ranking, [6], [1.0])
    assert ranking.best_middle_worst() == {"best": 5, "middle": 6, "worst": 8}
