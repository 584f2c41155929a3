import numpy as np
import pytest

from evaluation.examples import FrameRanking, SequenceRanking


def batch_of(errors, frames, videos):
    """Predictions that are off by `errors`, (B, 10) pixels, with their labels, frame numbers and video numbers."""
    labels = np.random.default_rng(0).uniform(0, 64, (len(errors), 10, 7, 2)).astype(np.float32)
    predictions = labels + np.asarray(errors, np.float32)[..., None, None] * np.float32([0.6, -0.8])
    return predictions, labels, np.asarray(frames), np.asarray(videos)


@pytest.mark.parametrize("most, most_per_video, largest", [(15, 3, True), (3, 1, False)])
def test_ranked_frames_equal_those_of_a_full_sort(most, most_per_video, largest):
    random = np.random.default_rng(1)
    videos = np.arange(200) // 20
    # Videos share no frames. Later videos have larger errors.
    frames = videos[:, None] * 20 + random.integers(0, 20, (200, 10))
    errors = random.uniform(0, 30, (200, 10)) * (1 + videos[:, None] / 10)
    batch = batch_of(errors, frames, videos)
    ranking = FrameRanking(most, most_per_video, largest)
    for start in range(0, 200, 7):
        ranking.add(*(part[start : start + 7] for part in batch))

    extreme, sign = (np.max, -1) if largest else (np.min, 1)
    error_of_frame = {frame: extreme(errors[frames == frame]) for frame in np.unique(frames).tolist()}
    order = sorted(error_of_frame, key=lambda frame: sign * error_of_frame[frame])
    expected = [
        frame
        for place, frame in enumerate(order)
        if sum(earlier // 20 == frame // 20 for earlier in order[:place]) < most_per_video
    ][:most]
    assert expected != order[:most], "the limit per video must exclude some frames"
    assert [kept.frame for kept in ranking.frames()] == expected
    predictions, labels, _, _ = batch
    for kept in ranking.frames():
        sequence, step = np.argwhere((frames == kept.frame) & (errors == error_of_frame[kept.frame]))[0]
        assert abs(kept.error - errors[sequence, step]) < 1e-4 and kept.video == sequence // 20
        np.testing.assert_array_equal(kept.label, labels[sequence, step])
        np.testing.assert_array_equal(kept.prediction, predictions[sequence, step])


def test_a_single_video_has_no_more_frames_than_its_limit():
    ranking = FrameRanking(most=3, most_per_video=1, largest=False)
    ranking.add(*batch_of(np.ones((2, 10)), np.arange(20).reshape(2, 10), [4, 4]))
    assert [kept.video for kept in ranking.frames()] == [4]


def add_off_by(ranking, indices, errors):
    """Adds sequences with these mean errors in pixels. Later frames are off by more."""
    of_frames = np.asarray(errors)[:, None] * np.linspace(0.5, 1.5, 10)
    predictions, labels, *_ = batch_of(of_frames, [], [])
    ranking.add(np.asarray(indices), predictions, labels)


@pytest.mark.parametrize("number", [3, 4, 99, 100])
def test_best_median_and_worst_sequence_equal_those_of_a_full_sort(number):
    random = np.random.default_rng(number)
    indices, errors = random.permutation(1000)[:number], random.uniform(0, 30, number)
    ranking = SequenceRanking()
    for start in range(0, number, 7):
        add_off_by(ranking, indices[start : start + 7], errors[start : start + 7])
    order = indices[np.argsort(errors)]
    middle = order[number // 2] if number % 2 else order[number // 2 - 1]
    assert ranking.best_median_worst() == {"best": order[0], "median": middle, "worst": order[-1]}


def test_fewer_than_three_sequences_are_each_listed_once():
    ranking = SequenceRanking()
    add_off_by(ranking, [8], [2.0])
    assert ranking.best_median_worst() == {"best": 8}
    add_off_by(ranking, [5], [1.0])
    assert ranking.best_median_worst() == {"best": 5, "worst": 8}
    add_off_by(ranking, [6], [1.0])
    assert ranking.best_median_worst() == {"best": 5, "median": 6, "worst": 8}
