import numpy as np

from evaluation.hardest import Hardest


def batch_of(errors, frames, videos):
    """Predictions that are off by `errors`, (B, 10) pixels, with their labels, frame numbers and video numbers."""
    labels = np.random.default_rng(0).uniform(0, 64, (len(errors), 10, 7, 2)).astype(np.float32)
    predictions = labels + np.asarray(errors, np.float32)[..., None, None] * np.float32([0.6, -0.8])
    return predictions, labels, np.asarray(frames), np.asarray(videos)


def test_worst_frames_are_those_of_a_full_sort_three_a_video():
    random = np.random.default_rng(1)
    videos = np.arange(200) // 20
    # Videos share no frames. The later the video, the larger its errors.
    frames = videos[:, None] * 20 + random.integers(0, 20, (200, 10))
    errors = random.uniform(0, 30, (200, 10)) * (1 + videos[:, None] / 10)
    predictions, labels, frames, videos = batch_of(errors, frames, videos)
    hardest = Hardest()
    for start in range(0, 200, 7):
        part = slice(start, start + 7)
        hardest.add(predictions[part], labels[part], frames[part], videos[part])
    worst_of_frame = {frame: errors[frames == frame].max() for frame in np.unique(frames).tolist()}
    ranked = sorted(worst_of_frame, key=lambda frame: -worst_of_frame[frame])
    expected = [frame for place, frame in enumerate(ranked) if sum(f // 20 == frame // 20 for f in ranked[:place]) < 3]
    expected = expected[:15]
    assert expected != ranked[:15]
    assert [kept.frame for kept in hardest.worst_frames()] == expected
    for kept in hardest.worst_frames():
        sequence, step = np.argwhere((frames == kept.frame) & (errors == worst_of_frame[kept.frame]))[0]
        assert abs(kept.error - errors[sequence, step]) < 1e-4 and kept.video == sequence // 20
        np.testing.assert_array_equal(kept.label, labels[sequence, step])
        np.testing.assert_array_equal(kept.prediction, predictions[sequence, step])


def test_videos_by_their_mean_error_the_largest_first():
    hardest = Hardest()
    hardest.add(*batch_of([[1.0] * 10, [5.0] * 10], np.zeros((2, 10), int), [3, 8]))
    hardest.add(*batch_of([[2.0] * 10], np.zeros((1, 10), int), [3]))
    errors = hardest.video_pixel_error()
    assert list(errors) == [8, 3]
    np.testing.assert_allclose(list(errors.values()), [5, 1.5], atol=1e-5)
    assert hardest.summary_line() == "hardest of 2 videos: 8 (5.00 px), 3 (1.50 px)"


def test_one_video_is_not_compared():
    hardest = Hardest()
    hardest.add(*batch_of([[1.0] * 10], np.zeros((1, 10), int), [3]))
    assert hardest.summary_line() is None
    assert len(hardest.worst_frames()) == 1
