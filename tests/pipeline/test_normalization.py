import numpy as np
import pytest

from pipeline.normalization import normalize_frames
from pipeline.tensorflow_v1 import tf


@pytest.fixture(scope="module")
def normalize():
    """A function that normalizes uint8 frames (F, 64, 64, 3) with the graph."""
    with tf.Graph().as_default(), tf.Session() as session:
        frames = tf.placeholder(tf.uint8, [None, 64, 64, 3])
        normalized = normalize_frames(frames)
        assert (normalized.dtype, normalized.shape.as_list()) == (tf.float32, [None, 64, 64, 3])
        yield lambda values: session.run(normalized, {frames: values})


def formula(frames):
    """The assignment's formula in float64."""
    frames = frames.astype(np.float64)
    mean = frames.mean(axis=(1, 2, 3), keepdims=True)
    return (frames - mean) / np.sqrt(((frames - mean) ** 2).mean(axis=(1, 2, 3), keepdims=True))


def one_colour_frames():
    """256 frames, each of one value."""
    return np.arange(256, dtype=np.uint8).reshape(256, 1, 1, 1) + np.zeros((1, 64, 64, 3), np.uint8)


@pytest.mark.parametrize("low, high", [(0, 256), (0, 3), (254, 256), (100, 140)])
def test_random_frames_match_the_formula(low, high, normalize):
    frames = np.random.default_rng(low).integers(low, high, (12, 64, 64, 3), dtype=np.uint8)
    np.testing.assert_allclose(normalize(frames), formula(frames), rtol=0, atol=1e-4)


def test_drawn_frames_match_the_formula(normalize, people):
    frames = people.frames[::20, 0]
    np.testing.assert_allclose(normalize(frames), formula(frames), rtol=0, atol=1e-4)


def test_each_frame_has_its_own_mean_and_deviation(normalize):
    random = np.random.default_rng(0)
    frames = np.stack([random.integers(10 * i, 10 * i + 5 + i, (64, 64, 3), dtype=np.uint8) for i in range(20)])
    normalized = normalize(frames).astype(np.float64)
    np.testing.assert_allclose(normalized.mean(axis=(1, 2, 3)), 0, atol=1e-4)
    np.testing.assert_allclose(normalized.std(axis=(1, 2, 3)), 1, atol=1e-4)


def test_one_colour_gives_zeros(normalize):
    np.testing.assert_allclose(normalize(one_colour_frames()), 0, atol=1e-2)


def test_one_value_that_differs_by_one_matches_the_formula(normalize):
    frames = one_colour_frames()
    frames[:, 20, 30, 1] = np.where(frames[:, 20, 30, 1] < 255, frames[:, 20, 30, 1] + 1, 254)
    expected = formula(frames)
    assert 110 < np.abs(expected).max() < 111
    np.testing.assert_allclose(normalize(frames), expected, rtol=1e-2, atol=1e-2)
