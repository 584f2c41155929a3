import numpy as np
import pytest

from pipeline.sources.sequence_frames import sequence_frames
from tests.pipeline.sources.youtube_pose import course_sequences


def test_sequences_follow_the_course_s_recipe():
    sequences, videos = sequence_frames([100, 100])
    assert len(sequences) == 2 * 90 + 2 * 82
    assert sequences[0].tolist() == [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]
    assert sequences[89].tolist() == [89, 90, 91, 92, 93, 94, 95, 96, 97, 98]
    assert sequences[90].tolist() == [100, 101, 102, 103, 104, 105, 106, 107, 108, 109]
    assert sequences[180 + 81].tolist() == [81, 83, 85, 87, 89, 91, 93, 95, 97, 99]
    assert sequences[180 + 82].tolist() == [100, 102, 104, 106, 108, 110, 112, 114, 116, 118]
    assert videos.tolist() == 90 * [0] + 90 * [1] + 82 * [0] + 82 * [1]


def test_fifty_videos_of_a_hundred_frames_give_8600_sequences():
    assert len(sequence_frames([100] * 50)[0]) == 8600


@pytest.mark.parametrize("length, strides", [(10, (1, 2)), (10, (1, 2, 3)), (4, (3, 1)), (1, (1, 5)), (25, (1,))])
def test_any_videos_lengths_and_strides(length, strides):
    frames_of_videos = [30, 10, 0, 11, 25, 19]
    sequences, videos = sequence_frames(frames_of_videos, length, strides)
    assert (sequences.dtype, videos.dtype) == (np.int32, np.int32)
    np.testing.assert_array_equal(sequences, course_sequences(frames_of_videos, length, strides))
    assert videos.tolist() == np.repeat(np.arange(6), frames_of_videos)[sequences[:, 0]].tolist()


def test_too_short_videos_give_none():
    for frames_of_videos in ([], [10], [1, 2]):
        sequences, videos = sequence_frames(frames_of_videos)
        assert (sequences.shape, videos.shape) == ((0, 10), (0,))
