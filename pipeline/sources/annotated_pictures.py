"""Annotated pictures, scaled with their labels and written as sequences to an HDF5 file, each different frame once."""

import hashlib
import os
from typing import NamedTuple

import numpy as np
from tqdm import tqdm

from pipeline.sources.decoded_pictures import decoded_pictures
from pipeline.sources.label_range import LabelRange
from pipeline.store.writer import StoredCounts, StoreWriter

SEQUENCES_PER_BLOCK = 64


class AnnotatedPictures(NamedTuple):
    """P pictures. paths: P strings. joints: float64 (P, 7, 2), pixels of the picture. videos: int (P,)."""

    paths: list
    joints: np.ndarray
    videos: np.ndarray


class Part(NamedTuple):
    """A file to write. sequences: int32 (N, length), the pictures of each. videos: int32 (N,)."""

    path: str
    sequences: np.ndarray
    videos: np.ndarray


class Written(NamedTuple):
    """A file that was written. source_size: bytes that were read for it. in_two_videos: frames that are in more."""

    path: str
    source_size: int
    counts: StoredCounts
    label_range: LabelRange
    in_two_videos: int


def write_part(part, partial, mat_path, pictures, shape):
    """Decodes, scales and writes a Part, to the path `partial` for the time being; returns what is Written.

    mat_path: where the joints are from. pictures: AnnotatedPictures. shape: SequenceShape of the new frames. The file's
    attributes describe what was read: the MAT file's bytes, then those of each picture in the order of the frames.
    """
    with open(mat_path, "rb") as file:
        contents = file.read()
    sha256, source_size = hashlib.sha256(contents), len(contents)
    numbers = np.full(len(pictures.paths), -1, np.int32)
    joints = np.empty(pictures.joints.shape)
    label_range = LabelRange(shape)
    chosen = _in_order_of_appearance(part.sequences)
    description = f"decoding for {os.path.basename(part.path)}"
    with (
        StoreWriter(partial, shape) as writer,
        tqdm(total=len(chosen), desc=description, unit=" pictures", leave=False, disable=None) as progress,
    ):
        decoded = decoded_pictures([pictures.paths[picture] for picture in chosen], shape.height, shape.width)
        for picture, (contents, frame, old_height, old_width) in zip(chosen, decoded):
            sha256.update(contents)
            source_size += len(contents)
            numbers[picture] = writer.add_frame(frame)
            joints[picture] = pictures.joints[picture] * (shape.width / old_width, shape.height / old_height)
            progress.update()
        videos = _number_from_zero(part.videos)
        for start in range(0, len(part.sequences), SEQUENCES_PER_BLOCK):
            block = slice(start, start + SEQUENCES_PER_BLOCK)
            writer.add_sequences(numbers[part.sequences[block]], videos[block])
            writer.add_labels(label_range.add(joints[part.sequences[block]]))
        label_range.check_finite()
        source_name = os.path.basename(os.path.dirname(os.path.abspath(mat_path)))
        counts = writer.finish(source_name, source_size, sha256.hexdigest())
    in_two_videos = _count_in_two_videos(numbers[chosen], pictures.videos[chosen])
    return Written(part.path, source_size, counts, label_range, in_two_videos)


def _in_order_of_appearance(sequences):
    """The pictures of these sequences, int (N, length), each once: a list of int."""
    pictures, places = np.unique(sequences, return_index=True)
    return pictures[np.argsort(places)].tolist()


def _number_from_zero(videos):
    """The same videos, int (N,), numbered from 0 in order of first appearance: int32 (N,)."""
    numbers = {video: number for number, video in enumerate(dict.fromkeys(videos.tolist()))}
    return np.array([numbers[video] for video in videos.tolist()], np.int32)


def _count_in_two_videos(frames, videos):
    """How many frames are in more than one video: int (P,), the frame and the video of each picture."""
    frames_by_video = np.unique(np.stack([frames, videos], axis=1), axis=0)[:, 0]
    _, videos_of_frame = np.unique(frames_by_video, return_counts=True)
    return int((videos_of_frame > 1).sum())
