"""Scales annotated pictures and their labels, and writes them as sequences to an HDF5 file."""

from __future__ import annotations

import hashlib
import os
from typing import NamedTuple

import numpy as np
from tqdm import tqdm

from pipeline.sequence_shape import SequenceShape
from pipeline.sources.decoded_pictures import decoded_pictures
from pipeline.sources.label_range import LabelRange
from pipeline.store.writer import StoredCounts, StoreWriter

SEQUENCES_PER_BLOCK = 64


class AnnotatedPictures(NamedTuple):
    """P pictures. paths: P of them. joints: float64 (P, 7, 2), x and y in pixels of the picture. videos: int (P,)."""

    paths: list[str]
    joints: np.ndarray
    videos: np.ndarray


class Part(NamedTuple):
    """A file to write. sequences: int32 (N, length), the picture numbers of each. videos: int32 (N,)."""

    path: str
    sequences: np.ndarray
    videos: np.ndarray


class WrittenPart(NamedTuple):
    """A file that was written.

    source_size: the number of bytes read for it. in_two_videos: the number of frames that are in more than one video.
    """

    path: str
    source_size: int
    counts: StoredCounts
    label_range: LabelRange
    in_two_videos: int


def write_part(
    part: Part, partial: str, mat_path: str, pictures: AnnotatedPictures, shape: SequenceShape
) -> WrittenPart:
    """Decodes and scales the pictures of a part and writes it to the path `partial`.

    mat_path: the file that the joints were read from. shape: of the sequences to write. The attributes of the source in
    the file describe all that was read: the MAT file's bytes, then those of each picture in the order of the frames.
    Raises UserError if a picture cannot be decoded or a joint is not finite, OSError if a file cannot be read or
    written.
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
        for picture, (contents, frame, old_height, old_width) in zip(chosen, decoded, strict=True):
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
        label_range.require_finite()
        source_name = os.path.basename(os.path.dirname(os.path.abspath(mat_path)))
        counts = writer.finish(source_name, source_size, sha256.hexdigest())
    in_two_videos = _count_in_two_videos(numbers[chosen], pictures.videos[chosen])
    return WrittenPart(part.path, source_size, counts, label_range, in_two_videos)


def _in_order_of_appearance(sequences: np.ndarray) -> list[int]:
    """The picture numbers in these sequences, int (N, length), each once."""
    pictures, first_slots = np.unique(sequences, return_index=True)
    in_order: list[int] = pictures[np.argsort(first_slots)].tolist()
    return in_order


def _number_from_zero(videos: np.ndarray) -> np.ndarray:
    """The videos, int (N,), renumbered from 0 in order of first appearance: int32 (N,)."""
    numbers = {video: number for number, video in enumerate(dict.fromkeys(videos.tolist()))}
    return np.array([numbers[video] for video in videos.tolist()], np.int32)


def _count_in_two_videos(frames: np.ndarray, videos: np.ndarray) -> int:
    """The number of frames that are in more than one video. frames, videos: int (P,), those of each picture."""
    frames_by_video = np.unique(np.stack([frames, videos], axis=1), axis=0)[:, 0]
    _, videos_of_frame = np.unique(frames_by_video, return_counts=True)
    return int((videos_of_frame > 1).sum())
