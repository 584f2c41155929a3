import numpy as np

from evaluation.best_frames import BestFrames


def test_the_best_frame_of_each_of_the_best_three_videos():
    random = np.random.default_rng(0)
    labels, predictions = random.uniform(0, 64, (2, 40, 10, 7, 2)).astype(np.float32)
    videos, frames = np.repeat(np.arange(5), 8), np.arange(400).reshape(40, 10)
    best = BestFrames()
    order = random.permutation(40)
    for part in np.split(order, 8):
        best.add(predictions[part], labels[part], frames[part], videos[part])
    errors = np.sqrt(((predictions - labels) ** 2).sum(-1)).mean(-1).reshape(5, 80)
    expected = sorted((errors[video].min(), video, 80 * video + errors[video].argmin()) for video in range(5))[:3]
    found = best.frames()
    assert [(kept.video, kept.frame) for kept in found] == [(video, frame) for _, video, frame in expected]
    for kept, (error, _, frame) in zip(found, expected, strict=True):
        np.testing.assert_allclose(kept.error, error, rtol=1e-5)
        np.testing.assert_array_equal(kept.label, labels[frame // 10, frame % 10])
        np.testing.assert_array_equal(kept.prediction, predictions[frame // 10, frame % 10])


def test_of_fewer_videos_there_are_fewer_frames():
    best = BestFrames()
    best.add(np.zeros((2, 10, 7, 2)), np.ones((2, 10, 7, 2)), np.arange(20).reshape(2, 10), np.zeros(2, int))
    assert [kept.video for kept in best.frames()] == [0]
