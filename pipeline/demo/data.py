"""A synthetic data set in the course's format, to try everything without the course's file."""

from __future__ import annotations

import pickle
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from pipeline.demo.motion import move_person
from pipeline.demo.pictures import draw_person_in_room
from pipeline.sources.sequence_frames import sequence_frames
from support.atomic_write import atomic_write

if TYPE_CHECKING:
    from _typeshed import StrPath


def draw_video(seed: int | Sequence[int], frames: int) -> tuple[np.ndarray, np.ndarray]:
    """A video of a random person who moves, in a random room.

    seed: as for numpy.random.default_rng; the same seed gives the same video. Returns RGB frames, uint8
    (frames, 64, 64, 3), and labels, float32 (frames, 7, 2): the positions of the joints in the order of JOINT_NAMES, x
    to the right and y down, in pixels from the upper left corner of the frame. The centre of the pixel in row r and
    column c is at (c + 0.5, r + 0.5). As in the course's data, right and left are the person's own.
    """
    random = np.random.default_rng(seed)
    size, joints = move_person(random, frames)
    return draw_person_in_room(random, size, joints), joints.astype(np.float32)


def write_demo_pickle(path: StrPath, videos: int, frames_per_video: int, seed: int) -> int:
    """Writes a pickle like the course's; returns the number of sequences in it.

    sequence_frames cuts the videos into sequences, as for the course's data. Videos of fewer than 19 frames give no
    sequences of every other frame. Raises OSError if the file cannot be written, and ValueError if there are no videos
    or they have fewer than 11 frames.
    """
    numbers, _ = sequence_frames([frames_per_video] * videos)
    if len(numbers) == 0:
        raise ValueError(f"{videos} videos of {frames_per_video} frames give no sequence")
    frames = np.empty((videos * frames_per_video, 64, 64, 3), np.uint8)
    labels = np.empty((videos * frames_per_video, 7, 2), np.float32)
    for video in range(videos):
        part = slice(video * frames_per_video, (video + 1) * frames_per_video)
        frames[part], labels[part] = draw_video((seed, video), frames_per_video)
    with atomic_write(path) as partial, open(partial, "wb") as file:
        # Protocol 5 writes an array directly from its memory. Older protocols copy it first.
        pickle.dump((frames[numbers], labels[numbers]), file, protocol=5)
    return len(numbers)
