"""Reads the YouTube Pose data set as its publisher releases it: the annotated frames and their joints.

Charles et al., *Personalizing Human Video Pose Estimation*, CVPR 2016. The release is a folder that holds
`YouTube_Pose_dataset.mat` and, for each video, `GT_frames/VIDEO/frame_NNNNNN.jpg`.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import scipy.io

from command_line.user_error import UserError
from pipeline.joints import JOINT_NAMES

MAT_FILE = "YouTube_Pose_dataset.mat"
PICTURES_FOLDER = "GT_frames"


class AnnotatedVideo(NamedTuple):
    """name: also of its folder. frame_numbers: int64 (P,), ascending.

    joints: float64 (P, 7, 2), x and y in pixels of the picture.
    """

    name: str
    frame_numbers: np.ndarray
    joints: np.ndarray


class FoundPictures(NamedTuple):
    """paths: one for each annotated frame, video by video. warnings: a line for each kind of input left out."""

    paths: list[str]
    warnings: list[str]


def mat_file(folder: str) -> str:
    """The path of the release's MAT file. Raises UserError if there is none."""
    path = os.path.join(folder, MAT_FILE)
    if not os.path.isfile(path):
        raise UserError(f"{folder} holds no {MAT_FILE}; give the folder that holds it and {PICTURES_FOLDER}")
    return path


def read_annotations(folder: str) -> list[AnnotatedVideo]:
    """The videos of the release in `folder`, in the order of its MAT file.

    Raises UserError if the MAT file is missing, damaged, or not that of YouTube Pose.
    """
    path = mat_file(folder)
    try:
        entries = _load_entries(path)
        videos = [_annotated_video(number, entry) for number, entry in enumerate(entries)]
    except _NotTheMatFile as problem:
        raise UserError(f"{path}: not the MAT file of YouTube Pose ({problem}); take that of the release") from None
    names = [video.name for video in videos]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise UserError(f"{path}: the video {_shown(twice)} is in it more than once; take that of the release")
    return videos


class _NotTheMatFile(Exception):
    """The message says what is wrong with the file."""


def _load_entries(path: str) -> np.ndarray:
    """The MAT file's struct array of videos, (V,)."""
    with open(path, "rb") as file:
        try:
            data = scipy.io.loadmat(file, variable_names=["data"]).get("data")
        except MemoryError:
            raise
        # SciPy raises exceptions of many types, from zlib's to IndexError, if the file is damaged or not a MAT file.
        except Exception as error:
            raise _NotTheMatFile(f"it cannot be read: {' '.join(str(error).split())[:100]}") from None
    if data is None or data.dtype.names is None or data.size == 0:
        raise _NotTheMatFile("there is no struct array `data` in it")
    missing = {"videoname", "locs", "frameids", "label_names"} - set(data.dtype.names)
    if missing:
        raise _NotTheMatFile(f"`data` lacks {', '.join(sorted(missing))}")
    return data.ravel()


def _annotated_video(number: int, entry: np.void) -> AnnotatedVideo:
    """Entry `number` of the MAT file's struct array, checked."""
    name = _text(entry["videoname"])
    if not name or name in (".", "..") or any(character in name for character in "/\\\0"):
        raise _NotTheMatFile(f"the name of video {number + 1}, {_shown(name)}, is not that of a folder")
    label_names = tuple(_text(label).lower() for label in np.ravel(entry["label_names"]))
    if label_names != JOINT_NAMES:
        raise _NotTheMatFile(f"the joints of the video {_shown(name)} are not {', '.join(JOINT_NAMES)}")
    frame_numbers: np.ndarray = np.asarray(entry["frameids"]).ravel()
    joints: np.ndarray = np.asarray(entry["locs"])
    if frame_numbers.dtype.kind not in "iuf" or joints.dtype.kind not in "iuf":
        raise _NotTheMatFile(f"frameids or locs of the video {_shown(name)} are not numbers")
    if joints.shape != (2, len(JOINT_NAMES), len(frame_numbers)):
        expected = (2, len(JOINT_NAMES), len(frame_numbers))
        raise _NotTheMatFile(f"locs of the video {_shown(name)} have shape {joints.shape}, not {expected}")
    if not ((frame_numbers >= 0) & (frame_numbers < 2**31) & (frame_numbers % 1 == 0)).all():
        raise _NotTheMatFile(f"frameids of the video {_shown(name)} are not whole numbers")
    order = np.argsort(frame_numbers, kind="stable")
    joints = joints.astype(np.float64).transpose(2, 1, 0)[order]
    frame_numbers = frame_numbers.astype(np.int64)[order]
    if not np.isfinite(joints).all():
        frame, joint, _ = np.argwhere(~np.isfinite(joints))[0]
        where = f"frame {frame_numbers[frame]} of the video {_shown(name)}"
        raise _NotTheMatFile(f"the {JOINT_NAMES[joint]} in {where} is not at a finite position")
    return AnnotatedVideo(name, frame_numbers, joints)


def _text(value: np.ndarray | str) -> str:
    """The string in a MATLAB char array, or in a cell that holds one; empty for anything else."""
    while isinstance(value, np.ndarray) and value.size == 1:
        value = value.item()
    return value if isinstance(value, str) else ""


def find_pictures(folder: str, videos: Sequence[AnnotatedVideo]) -> FoundPictures:
    """The pictures of the annotated frames of all videos.

    Raises UserError if folders or pictures are missing; the message gives their number.
    """
    pictures = os.path.join(folder, PICTURES_FOLDER)
    if not os.path.isdir(pictures):
        raise UserError(f"{folder} holds no folder {PICTURES_FOLDER}; unpack the whole release")
    folders = {entry.name for entry in os.scandir(pictures) if entry.is_dir()}
    without = [video.name for video in videos if video.name not in folders]
    if without:
        raise UserError(
            f"{len(without)} of {len(videos)} videos have no folder in {pictures}, the first {_shown(without[0])}; "
            "unpack the whole release"
        )
    paths: list[str] = []
    missing: list[str] = []
    further: list[str] = []
    for video in videos:
        names = [f"frame_{number:06d}.jpg" for number in video.frame_numbers]
        present = set(os.listdir(os.path.join(pictures, video.name)))
        paths += [os.path.join(pictures, video.name, name) for name in names]
        missing += [os.path.join(pictures, video.name, name) for name in names if name not in present]
        further += [f"{video.name}/{name}" for name in sorted(present - set(names)) if name.endswith(".jpg")]
    if missing:
        raise UserError(
            f"{len(missing)} of {len(paths)} annotated pictures are missing, the first {_shown(missing[0])}; "
            "unpack the whole release"
        )
    unknown = sorted(name for name in folders - {video.name for video in videos} if not name.startswith("."))
    repeated = len(paths) - len(set(paths))
    warnings = [
        (unknown, f"folders in {PICTURES_FOLDER} are of no video in the MAT file, which has no labels for them"),
        (further, "pictures are of no frame in the MAT file, which has no labels for them"),
    ]
    lines = [f"left out: {len(names)} {text}; the first is {_shown(names[0])}" for names, text in warnings if names]
    if repeated:
        lines.append(f"{repeated} frames are annotated more than once; each annotation is a frame of its own")
    return FoundPictures(paths, lines)


def _shown(name: str) -> str:
    """A name from the file as one printable line."""
    return name if name.isprintable() and name == name.strip() and name else ascii(name)
