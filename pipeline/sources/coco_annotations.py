"""Reads people from a COCO keypoints file, the JSON that annotation tools export, and orders them into tracks.

The format: https://cocodataset.org/#format-data. Videos are not part of it; this module understands the fields that
COCO-VID, TAO and PoseTrack add to pictures (`video_id` or `vid_id`; `frame_id`, `frame_index` or `frame_number`) and to
people (`track_id`).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import msgspec
import numpy as np

from pipeline.joints import JOINT_NAMES
from support.text import counted
from support.user_error import UserError

Id: TypeAlias = int | str

# For each of the seven joints, the names that it may have, in lower case with spaces; the first one found is used.
COCO_NAMES: dict[str, tuple[str, ...]] = {name: (name,) for name in JOINT_NAMES} | {"head": ("head", "face", "nose")}
LARGEST_POSITION = 1e6  # pixels
ADVICE = "export it as COCO keypoints again"


class _Category(msgspec.Struct):
    id: Id
    name: str = ""
    keypoints: list[str] = []


class _Image(msgspec.Struct):
    id: Id
    file_name: str
    video_id: Id | None = None
    vid_id: Id | None = None
    frame_id: int | None = None
    frame_index: int | None = None
    frame_number: int | None = None

    @property
    def video(self) -> Id | None:
        return self.vid_id if self.video_id is None else self.video_id

    @property
    def frame(self) -> int | None:
        return next((n for n in (self.frame_id, self.frame_index, self.frame_number) if n is not None), None)


class _Annotation(msgspec.Struct):
    image_id: Id
    category_id: Id = 1
    keypoints: list[float] = []
    track_id: Id | None = None


class _File(msgspec.Struct):
    images: list[_Image]
    annotations: list[_Annotation]
    categories: list[_Category]


@dataclass(frozen=True)
class LabelledPeople:
    """P people with all seven joints in pictures, a person in two pictures counting twice."""

    file_names: list[str]  # of the pictures, relative to their folder
    pictures: np.ndarray  # int (P,), the picture of each person, a position in `file_names`
    joints: np.ndarray  # float64 (P, 7, 2), x and y in pixels of the picture
    tracks: list[list[int]]  # people that are one person in evenly spaced frames of a video, in order; all P, once each
    videos: np.ndarray  # int (P,), people of one video or picture have the same number
    warnings: list[str]


def read_people(path: str, names: Mapping[str, str]) -> LabelledPeople:
    """Reads the file at `path`, all of which is held in memory.

    names: for some of the seven joints, the file's name of it, instead of those in COCO_NAMES. Raises UserError if the
    file is not of this format, lacks a joint or contains nobody with all seven joints; OSError if it cannot be read.
    """
    try:
        file = msgspec.json.decode(Path(path).read_bytes(), type=_File)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise UserError(f"{path} is not a COCO keypoints file ({error}); {ADVICE}") from None
    images = {image.id: image for image in file.images}
    if len(images) < len(file.images):
        raise UserError(f"{path}: two of its images have the same id; {ADVICE}")
    columns = {category.id: _columns(path, category, names) for category in file.categories if category.keypoints}
    if not columns:
        raise UserError(f"{path} has no category with keypoints; {ADVICE}")
    return _people(path, images, file.annotations, columns)


def _columns(path: str, category: _Category, names: Mapping[str, str]) -> list[int]:
    """The positions of the seven joints in the category's keypoints."""
    found = [_plain(name) for name in category.keypoints]
    columns = []
    for joint in JOINT_NAMES:
        wanted = [_plain(names[joint])] if joint in names else COCO_NAMES[joint]
        column = next((found.index(name) for name in wanted if name in found), None)
        if column is None:
            raise UserError(
                f"{path}: the category {category.name!r} has no {' or '.join(wanted)}; give the name of its {joint} "
                f"with --joints '{joint}=NAME', one of {', '.join(category.keypoints)}"
            )
        columns.append(column)
    return columns


def _plain(name: str) -> str:
    return name.lower().replace("_", " ").replace("-", " ").strip()


def _people(
    path: str, images: Mapping[Id, _Image], annotations: Sequence[_Annotation], columns: Mapping[Id, list[int]]
) -> LabelledPeople:
    skipped: Counter[str] = Counter()
    found: list[tuple[_Image, Id | None]] = []
    joints = []
    for number, annotation in enumerate(annotations):
        image, places = images.get(annotation.image_id), columns.get(annotation.category_id)
        if image is None:
            skipped["whose picture is not listed"] += 1
        elif places is None or not annotation.keypoints:
            skipped["without keypoints"] += 1
        else:
            keypoints = np.array(annotation.keypoints)
            if keypoints.size % 3 or keypoints.size // 3 <= max(places):
                raise UserError(f"{path}: annotation {number} has {keypoints.size} numbers in keypoints; {ADVICE}")
            chosen = keypoints.reshape(-1, 3)[places]
            if (np.abs(chosen) > LARGEST_POSITION).any():
                raise UserError(f"{path}: annotation {number} has a joint at an impossible position; {ADVICE}")
            # The third number is 0 if the joint is not labelled, 1 if it is hidden and 2 if it is visible.
            if (chosen[:, 2] > 0).all():
                found.append((image, annotation.track_id))
                joints.append(chosen[:, :2])
            else:
                skipped["without all seven joints"] += 1
    if not found:
        raise UserError(f"{path} has nobody with all seven joints ({', '.join(JOINT_NAMES)}); label them")
    warnings = [f"skipped {counted(number, 'annotation')} {reason}" for reason, number in skipped.items()]
    return _ordered(found, np.array(joints), warnings)


def _ordered(found: Sequence[tuple[_Image, Id | None]], joints: np.ndarray, warnings: list[str]) -> LabelledPeople:
    """Orders people by video and frame, so that the frames of a track are close together in the file to write."""

    def place(number: int) -> tuple[bool, str, int, str]:
        image = found[number][0]
        is_frame = image.video is not None and image.frame is not None
        return (
            not is_frame,
            str(image.video) if is_frame else "",
            image.frame or 0 if is_frame else 0,
            image.file_name,
        )

    order = sorted(range(len(found)), key=place)
    found, joints = [found[number] for number in order], joints[order]
    file_names = list(dict.fromkeys(image.file_name for image, _ in found))
    position = {name: number for number, name in enumerate(file_names)}
    pictures = np.array([position[image.file_name] for image, _ in found])
    groups: dict[tuple[str, Id], int] = {}
    videos = [groups.setdefault(_group(image), len(groups)) for image, _ in found]
    return LabelledPeople(file_names, pictures, joints, _tracks(found), np.array(videos), warnings)


def _group(image: _Image) -> tuple[str, Id]:
    return ("picture", image.file_name) if image.video is None else ("video", image.video)


def _tracks(found: Sequence[tuple[_Image, Id | None]]) -> list[list[int]]:
    """The people of each track. Those without a track_id are one person if a video never shows two of them at once."""
    of_track: dict[tuple[Id, Id | None], list[int]] = defaultdict(list)
    alone = []
    for number, (image, track) in enumerate(found):
        if image.video is None or image.frame is None:
            alone.append([number])
        else:
            of_track[image.video, track].append(number)
    tracks = []
    for people in of_track.values():
        frames = np.array([found[number][0].frame for number in people])
        if len(np.unique(frames)) < len(frames):
            tracks += [[number] for number in people]
            continue
        # Cut where frames are missing: where the distance is not the track's most frequent one.
        distances = np.diff(frames)
        usual = Counter(distances.tolist()).most_common(1)[0][0] if len(distances) else 0
        cuts = np.flatnonzero(distances != usual) + 1
        tracks += [part.tolist() for part in np.split(np.array(people), cuts)]
    return tracks + alone
