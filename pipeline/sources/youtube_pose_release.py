"""Reads the YouTube Pose data set as its publisher releases it: the annotated frames and their joints.

Charles et al., *Personalizing Human Video Pose Estimation*, CVPR 2016. The release is a folder that contains
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
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from support.picture import open_regular_file
from support.text import counted
from support.user_error import UserError

MAT_FILE = "YouTube_Pose_dataset.mat"
PICTURES_FOLDER = "GT_frames"
ROOT = Path(__file__).resolve().parents[2]
READER = "pipeline.sources.mat_reader"
INSTALL_SCIPY = 'python -m pip install ".[release]"'
# Exit statuses of the reader. Python itself exits with 1 or 2, and a crash gives other ones.
NOT_THE_MAT_FILE = 3
OUT_OF_MEMORY = 4


@dataclass(frozen=True)
class AnnotatedVideo:
    name: str  # also of its folder
    frame_numbers: np.ndarray  # int64 (P,), ascending
    joints: np.ndarray  # float64 (P, 7, 2), x and y in pixels of the picture


@dataclass(frozen=True)
class FoundPictures:
    paths: list[str]  # one for each annotated frame, video by video
    warnings: list[str]  # one for each kind of input that is skipped or unusual


def mat_file(folder: str) -> str:
    """The path of the release's MAT file. Raises UserError if there is none."""
    path = os.path.join(folder, MAT_FILE)
    if not os.path.isfile(path):
        raise UserError(f"{folder} contains no {MAT_FILE}; give the folder that contains it and {PICTURES_FOLDER}")
    return path


def read_annotations(folder: str) -> list[AnnotatedVideo]:
    """The videos of the release in `folder`, in the order of its MAT file.

    Raises UserError if SciPy is not installed or the MAT file is missing, damaged, a link out of the folder, or not
    that of YouTube Pose.
    """
    path = mat_file(folder)
    if importlib.util.find_spec("scipy") is None:
        raise UserError(f"{path} cannot be read: SciPy is not installed; install it with: {INSTALL_SCIPY}")
    videos = _read_in_subprocess(path)
    names = [video.name for video in videos]
    if len(set(names)) < len(names):
        repeated = next(name for name in names if names.count(name) > 1)
        raise UserError(f"{path} contains the video {escaped(repeated)} more than once; use the file from the release")
    return videos


def _read_in_subprocess(path: str) -> list[AnnotatedVideo]:
    """The videos in the MAT file at `path`, as the program mat_reader reads it."""
    with open_regular_file(path, within=os.path.dirname(path)) as file:
        done = subprocess.run(
            [sys.executable, "-m", READER],
            stdin=file,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=ROOT,
            env={**os.environ, "PYTHONSAFEPATH": ""},  # so that Python finds READER
            check=False,
        )
    if done.returncode == OUT_OF_MEMORY:
        raise MemoryError
    if done.returncode:
        is_explained = done.returncode == NOT_THE_MAT_FILE
        problem = done.stdout.decode("utf-8", "replace") if is_explained else "SciPy crashes when it reads the file"
        raise UserError(f"{path}: not the MAT file of YouTube Pose ({problem}); use the file from the release")
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
        raise UserError(f"{folder} contains no folder {PICTURES_FOLDER}; unpack the whole release")
    folders = {entry.name for entry in os.scandir(pictures) if entry.is_dir()}
    without_folder = [video.name for video in videos if video.name not in folders]
    if without_folder:
        raise UserError(
            f"{len(without_folder)} of {len(videos)} videos have no folder in {pictures}, the first is "
            f"{escaped(without_folder[0])}; unpack the whole release"
        )
    paths: list[str] = []
    missing: list[str] = []
    unlisted: list[str] = []
    for video in videos:
        names = [f"frame_{number:06d}.jpg" for number in video.frame_numbers]
        present = set(os.listdir(os.path.join(pictures, video.name)))
        paths += [os.path.join(pictures, video.name, name) for name in names]
        missing += [os.path.join(pictures, video.name, name) for name in names if name not in present]
        unlisted += [f"{video.name}/{name}" for name in sorted(present - set(names)) if name.endswith(".jpg")]
    if missing:
        raise UserError(
            f"{len(missing)} of {len(paths)} annotated pictures are missing, the first is {escaped(missing[0])}; "
            "unpack the whole release"
        )
    unlisted_folders = sorted(folders - {video.name for video in videos})
    unlisted_folders = [name for name in unlisted_folders if not name.startswith(".")]
    warnings = [
        f"skipped {counted(len(names), kind)} for which the MAT file has no labels; the first is {escaped(names[0])}"
        for kind, names in (("folder", unlisted_folders), ("picture", unlisted))
        if names
    ]
    repeated = len(paths) - len(set(paths))
    if repeated:
        warnings.append(f"annotations that repeat a frame: {repeated}; each is stored as a separate frame")
    return FoundPictures(paths, warnings)


def escaped(name: str) -> str:
    """A name from the file, escaped unless it is one printable line."""
    return name if name.isprintable() and name == name.strip() and name else ascii(name)
