"""Converts people labelled in the COCO format, with the pictures in a folder, to an HDF5 store."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
from tqdm import tqdm

from pipeline.sequence_shape import COURSE_SHAPE, SequenceShape
from pipeline.sources.coco_annotations import LabelledPeople, read_people
from pipeline.sources.conversion_summary import ConversionSummary, LabelRange, summarize
from pipeline.sources.scaled_pictures import area_average
from pipeline.sources.sequence_frames import sequence_frames
from pipeline.store.writer import StoreWriter
from support.atomic_write import atomic_write
from support.picture import open_regular_file, opened_picture
from support.user_error import UserError

SEQUENCES_PER_BLOCK = 64
# The surroundings of a person are as in the course's pictures: 4:3, with the joints in a part of them.
WIDTH_TO_HEIGHT = 4 / 3
HEIGHT_TO_JOINTS = 2.4  # the height of the box, relative to that of the joints
HEIGHT_TO_JOINTS_ACROSS = 1.6  # the same for people whose joints are spread wider than high
JOINTS_FROM_TOP = 0.42  # the middle of the joints, from the top of the box

Crop = Literal["person", "none"]


class Box(NamedTuple):
    """A rectangle in whole pixels of a picture, which may extend beyond it."""

    left: int
    top: int
    width: int
    height: int


def convert_coco(
    annotations: str,
    pictures: str,
    destination: str,
    names: Mapping[str, str],
    crop: Crop = "person",
    shape: SequenceShape = COURSE_SHAPE,
) -> ConversionSummary:
    """Writes the sequences of all labelled people to an HDF5 file, which appears when it is complete.

    annotations: a COCO keypoints file. pictures: the folder of its pictures. names: see read_people. crop: "person" for
    the surroundings of each person, the same in all frames of a track; "none" for whole pictures. shape: of the
    sequences; people in too few frames of a video give sequences that repeat a frame. Raises UserError if a file is
    malformed or missing, OSError if one cannot be read or written.
    """
    people = read_people(annotations, names)
    paths = _picture_paths(pictures, people)
    sequences, still = _sequences(people, shape.length)
    with atomic_write(destination) as partial, StoreWriter(partial, shape) as writer:
        contents = Path(annotations).read_bytes()
        sha256, source_size = hashlib.sha256(contents), len(contents)
        extents = _extents(people)
        numbers, joints = np.empty(len(people.joints), np.int32), np.empty(people.joints.shape)
        for contents, picture, in_picture in _decoded(paths, pictures, people):
            sha256.update(contents)
            source_size += len(contents)
            height, width = picture.shape[:2]
            for person in in_picture:
                box = Box(0, 0, width, height)
                if crop == "person":
                    low, high = extents[person]
                    box = surroundings(low, high, width, height)
                numbers[person] = writer.add_frame(scaled_box(picture, box, shape))
                scale = shape.width / box.width, shape.height / box.height
                joints[person] = (people.joints[person] - [box.left, box.top]) * scale
        label_range = LabelRange()
        videos = _numbered(people.videos[sequences[:, 0]])
        for start in range(0, len(sequences), SEQUENCES_PER_BLOCK):
            block = slice(start, start + SEQUENCES_PER_BLOCK)
            writer.add_sequences(numbers[sequences[block]], videos[block])
            writer.add_labels(label_range.add(joints[sequences[block]]))
        label_range.require_finite()
        counts = writer.finish(os.path.basename(annotations), source_size, sha256.hexdigest())
    summary = summarize(destination, destination, source_size, counts, label_range, shape.length)
    summary.lines.append(
        f"people           {len(people.joints)}, of which {still} give a sequence that repeats a frame"
    )
    summary.warnings.extend(people.warnings)
    return summary


def _picture_paths(folder: str, people: LabelledPeople) -> list[str]:
    """The paths of all pictures. Raises UserError with their number if some are missing."""
    if not os.path.isdir(folder):
        raise UserError(f"{folder} is not a folder; give the folder of the pictures")
    paths = [os.path.join(folder, name) for name in people.file_names]
    missing = [path for path in paths if not os.path.isfile(path)]
    if missing:
        raise UserError(
            f"{len(missing)} of {len(paths)} pictures are missing, the first is {missing[0]}; "
            "give the folder that the file names in the annotations start from"
        )
    return paths


def _sequences(people: LabelledPeople, length: int) -> tuple[np.ndarray, int]:
    """The person in each frame of all sequences, int (N, length), and how many of them repeat a frame.

    A track is cut into sequences as the course's videos are. If it is too short, each of its frames gives a sequence.
    """
    in_tracks = np.concatenate([np.array(track) for track in people.tracks])
    frames, tracks = sequence_frames([len(track) for track in people.tracks], length)
    is_long = np.isin(np.arange(len(people.tracks)), tracks)
    short = [person for track, long in zip(people.tracks, is_long, strict=True) if not long for person in track]
    still = np.repeat(np.array(short, int)[:, np.newaxis], length, axis=1)
    sequences = np.concatenate([in_tracks[frames], still])
    # The sequences of a video together, as their frames are.
    return sequences[np.argsort(people.videos[sequences[:, 0]], kind="stable")], len(short)


def _extents(people: LabelledPeople) -> np.ndarray:
    """The lowest and highest x and y of the joints of each person's track, in pixels, float64 (P, 2, 2)."""
    extents = np.empty((len(people.joints), 2, 2))
    for track in people.tracks:
        joints = people.joints[track].reshape(-1, 2)
        extents[track] = joints.min(axis=0), joints.max(axis=0)
    return extents


def _numbered(videos: np.ndarray) -> np.ndarray:
    """Videos numbered from 0 in order of first appearance, int32 (N,)."""
    number_of = {video: number for number, video in enumerate(dict.fromkeys(videos.tolist()))}
    return np.array([number_of[video] for video in videos.tolist()], np.int32)


def _decoded(
    paths: Sequence[str], folder: str, people: LabelledPeople
) -> Iterator[tuple[bytes, np.ndarray, list[int]]]:
    """Yields the contents of each file, its picture, uint8 (H, W, 3), and the people in it."""
    in_order = np.argsort(people.pictures, kind="stable")
    of_pictures = np.split(in_order, np.cumsum(np.bincount(people.pictures))[:-1])
    with tqdm(total=len(paths), desc="decoding", unit=" pictures", leave=False, disable=None) as progress:
        for path, in_picture in zip(paths, of_pictures, strict=True):
            with open_regular_file(path, within=folder) as file:
                contents = file.read()
                file.seek(0)
                with opened_picture(file, path) as image:
                    picture = np.asarray(image.convert("RGB"))
            yield contents, picture, in_picture.tolist()
            progress.update()


def surroundings(low: np.ndarray, high: np.ndarray, width: int, height: int) -> Box:
    """The box around joints between `low` and `high`, each (2,), x and y in pixels of a picture of this size.

    It is at most twice as high and as wide as the picture, and at least half of it is inside.
    """
    across, down = np.maximum(high - low, 1)
    tall = min(max(HEIGHT_TO_JOINTS * down, HEIGHT_TO_JOINTS_ACROSS * across), 2 * height, 2 * width / WIDTH_TO_HEIGHT)
    box_height, box_width = max(1, round(tall)), max(1, round(tall * WIDTH_TO_HEIGHT))
    x, y = (low + high) / 2
    left = min(max(x - box_width / 2, -box_width / 2), width - box_width / 2)
    top = min(max(y - JOINTS_FROM_TOP * box_height, -box_height / 2), height - box_height / 2)
    return Box(round(left), round(top), box_width, box_height)


def scaled_box(picture: np.ndarray, box: Box, shape: SequenceShape) -> np.ndarray:
    """The part of a picture, uint8 (H, W, 3), in the box, as uint8 (64, 64, 3). The picture's edge is repeated."""
    rows = np.clip(np.arange(box.top, box.top + box.height), 0, len(picture) - 1)
    columns = np.clip(np.arange(box.left, box.left + box.width), 0, picture.shape[1] - 1)
    return area_average(picture[rows][:, columns], shape.height, shape.width)
