"""Cuts videos into sequences of frames, as the assignment describes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pipeline.sequence_shape import COURSE_SHAPE

COURSE_STRIDES = (1, 2)


def sequence_frames(
    frames_of_videos: Sequence[int], length: int = COURSE_SHAPE.length, strides: Sequence[int] = COURSE_STRIDES
) -> tuple[np.ndarray, np.ndarray]:
    """The frames of all sequences: those of the first stride, video by video, then those of the next stride.

    frames_of_videos: the number of frames of each video; frames are numbered consecutively across all videos. length:
    frames per sequence. strides: 1 for consecutive frames, 2 for every other, and so on. Returns the frame numbers of
    each sequence, int32 (N, length), and its video, int32 (N,).
    """
    firsts = np.cumsum([0, *frames_of_videos])
    steps = np.arange(length)
    sequences, videos = [np.empty((0, length), np.int32)], [np.empty(0, np.int32)]
    for stride in strides:
        for video, frames in enumerate(frames_of_videos):
            starts = firsts[video] + np.arange(number_of_starts(frames, length, stride))
            sequences.append((starts[:, None] + stride * steps).astype(np.int32))
            videos.append(np.full(len(starts), video, np.int32))
    return np.concatenate(sequences), np.concatenate(videos)


def number_of_starts(frames: int, length: int, stride: int) -> int:
    """The number of sequences in a video of `frames` frames. At stride 1, the course omits the last one."""
    omitted = 1 if stride == 1 else 0
    return max(0, frames - stride * (length - 1) - omitted)
