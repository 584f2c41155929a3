"""A made data set in the course's format, for trying everything out without the course's file."""

import pickle

import numpy as np

from files.atomic_write import atomic_write
from pipeline.demo.motion import move_person
from pipeline.demo.pictures import draw_person_in_room
from pipeline.sources.sequence_frames import sequence_frames


def draw_video(seed, frames):
    """A video of a made-up person who moves, in a made-up room.

    `seed` is anything that numpy.random.default_rng accepts; the same seed gives the same video. Returns frames
    (frames, 64, 64, 3) uint8 RGB and labels (frames, 7, 2) float32: the joints that the person was drawn with, in the
    order of JOINT_NAMES, x to the right and y down in pixels from the upper left corner of the frame, so that the
    middle of the pixel in row r and column c is at (c + 0.5, r + 0.5). As in the course's data, the right wrist is the
    person's own.
    """
    random = np.random.default_rng(seed)
    size, joints = move_person(random, frames)
    return draw_person_in_room(random, size, joints), joints.astype(np.float32)


def write_demo_pickle(path, videos, frames_per_video, seed):
    """Writes a pickle like the course's, of as many videos as asked for; returns the number of sequences in it.

    The recipe is the course's: of each video, a sequence of ten consecutive frames from each start but the last, and
    one of every other frame from each start, of which videos of under 19 frames have none; the consecutive ones of all
    videos come first. Raises OSError where the file cannot be written, and ValueError for no videos or ones of under 11
    frames.
    """
    numbers, _ = sequence_frames([frames_per_video] * videos)
    if len(numbers) == 0:
        raise ValueError(f"{videos} videos of {frames_per_video} frames hold no sequence")
    frames = np.empty((videos * frames_per_video, 64, 64, 3), np.uint8)
    labels = np.empty((videos * frames_per_video, 7, 2), np.float32)
    for video in range(videos):
        part = slice(video * frames_per_video, (video + 1) * frames_per_video)
        frames[part], labels[part] = draw_video((seed, video), frames_per_video)
    with atomic_write(path) as partial, open(partial, "wb") as file:
        # Protocol 5 writes an array from where it lies; older ones copy all of it first.
        pickle.dump((frames[numbers], labels[numbers]), file, protocol=5)
    return len(numbers)
