import tracemalloc

import numpy as np
import pytest

from video.sliding_windows import positions_in_shot, positions_in_shots


class OneNumberPredictor:
    """Stands in for a model: positions are sums over the window that depend on each frame and its place in it."""

    def predict_block(self, frames, rows):
        seen = frames[rows, 0, 0, 0].astype(np.float64)
        weights = np.sin(np.arange(10)[:, np.newaxis] + np.arange(10) * 0.7)
        return np.repeat((seen @ weights)[:, :, np.newaxis, np.newaxis], 14, axis=-1).reshape(-1, 10, 7, 2)


def random_frames(count):
    frames = np.zeros((count, 64, 64, 3), np.uint8)
    frames[:, 0, 0, 0] = np.random.default_rng(count).integers(0, 256, count)
    return frames


def over_windows(predict, frames):
    """Mean and standard deviation by definition. predict: uint8 (10, 64, 64, 3) → (10, 7, 2)."""
    windows = [predict(frames[start : start + 10]) for start in range(len(frames) - 9)]
    means, spreads = [], []
    for number in range(len(frames)):
        holding = [start for start in range(len(windows)) if start <= number < start + 10]
        positions = np.array([windows[start][number - start] for start in holding])
        means.append(positions.mean(axis=0))
        variance = positions.var(axis=0, ddof=1).sum(axis=-1) if len(holding) > 1 else np.full(7, np.nan)
        spreads.append(np.sqrt(variance))
    return means, spreads


@pytest.mark.parametrize("count", [10, 11, 19, 20, 136, 137, 138, 145, 146, 147, 265, 266, 400])
def test_positions_are_the_mean_and_spread_over_all_windows_of_a_frame(count):
    frames, predictor = random_frames(count), OneNumberPredictor()
    means, spreads = over_windows(lambda part: predictor.predict_block(part, np.arange(10)[np.newaxis])[0], frames)
    positions = list(positions_in_shot(predictor, iter(frames)))
    assert positions[0].joints.dtype == positions[0].spread.dtype == np.float32
    np.testing.assert_allclose([part.joints for part in positions], means, rtol=1e-5, atol=1e-3)
    np.testing.assert_allclose([part.spread for part in positions], spreads, rtol=1e-5, atol=1e-3)


@pytest.mark.parametrize("count", [1, 2, 9])
def test_the_last_of_fewer_than_ten_frames_is_repeated(count):
    frames, predictor = random_frames(count), OneNumberPredictor()
    filled = np.concatenate([frames, np.repeat(frames[-1:], 10 - count, axis=0)])
    expected = predictor.predict_block(filled, np.arange(10)[np.newaxis])[0, :count]
    positions = list(positions_in_shot(predictor, frames))
    np.testing.assert_allclose([part.joints for part in positions], expected, rtol=1e-5, atol=1e-3)
    assert np.isnan([part.spread for part in positions]).all()


@pytest.mark.parametrize("lengths", [(30,), (12, 3, 1, 15), (140, 10, 9, 2)])
def test_no_window_spans_a_cut(lengths):
    shots = np.split(random_frames(sum(lengths)), np.cumsum(lengths)[:-1])
    pairs = ((frame, number == 0) for shot in shots for number, frame in enumerate(shot))
    predictor = OneNumberPredictor()
    positions = list(positions_in_shots(predictor, pairs))
    alone = [part for shot in shots for part in positions_in_shot(predictor, shot)]
    np.testing.assert_array_equal([part.joints for part in positions], [part.joints for part in alone])
    np.testing.assert_array_equal([part.spread for part in positions], [part.spread for part in alone])


def test_no_frames_give_no_positions():
    assert list(positions_in_shot(OneNumberPredictor(), [])) == []


@pytest.mark.parametrize("shot_length", [10**6, 200, 7])
def test_memory_does_not_grow_with_the_length_of_the_video(shot_length):
    def peak(count):
        tracemalloc.start()
        frames = ((np.zeros((64, 64, 3), np.uint8), number % shot_length == 0) for number in range(count))
        assert sum(1 for _ in positions_in_shots(OneNumberPredictor(), frames)) == count
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    assert peak(3000) < 1.2 * peak(600) < 300 * 64 * 64 * 3 * 3
