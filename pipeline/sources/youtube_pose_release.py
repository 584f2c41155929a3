"""Reads the YouTube Pose data set as its publisher releases it: the annotated frames and their joints.

Charles et al., *Personalizing Human Video Pose Estimation*, CVPR 2016. The release is a folder that holds
`YouTube_Pose_dataset.mat` and, for each video, `GT_frames/VIDEO/frame_NNNNNN.jpg`.
"""

from __future__ import annotations

import importlib.util
import io
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from support.picture import open_regular_file
from support.user_error import UserError

MAT_FILE = "YouTube_Pose_dataset.mat"
PICTURES_FOLDER = "GT_frames"
ROOT = Path(__file__).resolve().parents[2]
INSTALL_SCIPY = 'python -m pip install ".[release]"'
READER = "pipeline.sources.mat_reader"
# Exit statuses of the reader. Python itself ends with 1 or 2, a crash with others.
NOT_THE_MAT_FILE = 3
OUT_OF_MEMORY = 4


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

    Raises UserError if the MAT file is missing, damaged, a link out of the folder, or not that of YouTube Pose.
    """
    path = mat_file(folder)
    videos = _read_apart(path)
    names = [video.name for video in videos]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise UserError(f"{path}: the video {shown(twice)} is in it more than once; take that of the release")
    return videos


def _read_apart(path: str) -> list[AnnotatedVideo]:
    """The videos in the MAT file at `path`, which mat_reader reads."""
    if importlib.util.find_spec("scipy") is None:
        raise UserError(f"{path} cannot be read: SciPy is not installed; install it with: {INSTALL_SCIPY}")
    with open_regular_file(path, within=os.path.dirname(path)) as file:
        done = subprocess.run(
            [sys.executable, "-m", READER],
            stdin=file,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=ROOT,
            check=False,
        )
    if done.returncode == OUT_OF_MEMORY:
        raise MemoryError
    if done.returncode:
        is_explained = done.returncode == NOT_THE_MAT_FILE
        problem = done.stdout.decode("utf-8", "replace") if is_explained else "it cannot be read: SciPy crashes on it"
        raise UserError(f"{path}: not the MAT file of YouTube Pose ({problem}); take that of the release")
    with np.load(io.BytesIO(done.stdout)) as arrays:
        ends = np.cumsum(arrays["pictures"])[:-1]
        frame_numbers, joints = np.split(arrays["frame_numbers"], ends), np.split(arrays["joints"], ends)
        names = json.loads(arrays["names"].tobytes())
    return [AnnotatedVideo(*video) for video in zip(names, frame_numbers, joints, strict=True)]


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
            f"{len(without)} of {len(videos)} videos have no folder in {pictures}, the first {shown(without[0])}; "
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
            f"{len(missing)} of {len(paths)} annotated pictures are missing, the first {shown(missing[0])}; "
            "unpack the whole release"
        )
    unknown = sorted(name for name in folders - {video.name for video in videos} if not name.startswith("."))
    repeated = len(paths) - len(set(paths))
    warnings = [
        (unknown, f"folders in {PICTURES_FOLDER} are of no video in the MAT file, which has no labels for them"),
        (further, "pictures are of no frame in the MAT file, which has no labels for them"),
    ]
    lines = [f"left out: {len(names)} {text}; the first is {shown(names[0])}" for names, text in warnings if names]
    if repeated:
        lines.append(f"{repeated} frames are annotated more than once; each annotation is a frame of its own")
    return FoundPictures(paths, lines)


def shown(name: str) -> str:
    """A name from the file as one printable line."""
    return name if name.isprintable() and name == name.strip() and name else ascii(name)
