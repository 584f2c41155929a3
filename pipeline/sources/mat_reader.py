"""A program that reads the MAT file of YouTube Pose, in a separate process because a hostile file can crash SciPy.

The MAT file is its standard input. Its standard output is the .npz of `write_annotations`. With exit status
NOT_THE_MAT_FILE, it is a text that says what is wrong with the file.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import BinaryIO

import numpy as np
import scipy.io

from pipeline.joints import JOINT_NAMES
from pipeline.sources.youtube_pose_release import NOT_THE_MAT_FILE, OUT_OF_MEMORY, AnnotatedVideo, escaped


class _NotTheMatFile(Exception):
    """The message says what is wrong with the file."""


def main() -> None:
    try:
        videos = [_annotated_video(number, entry) for number, entry in enumerate(_load_entries(sys.stdin.buffer))]
    except _NotTheMatFile as problem:
        sys.stdout.buffer.write(str(problem).encode("utf-8", "backslashreplace"))
        raise SystemExit(NOT_THE_MAT_FILE) from None
    except MemoryError:
        raise SystemExit(OUT_OF_MEMORY) from None
    write_annotations(sys.stdout.buffer, videos)


def write_annotations(file: BinaryIO, videos: Sequence[AnnotatedVideo]) -> None:
    """Writes an .npz of V videos with P pictures in total.

    names: uint8, a JSON list of V strings. pictures: int64 (V,), the number of each video's pictures. frame_numbers:
    int64 (P,). joints: float64 (P, 7, 2).
    """
    np.savez(
        file,
        names=np.frombuffer(json.dumps([video.name for video in videos]).encode(), np.uint8),
        pictures=np.array([len(video.frame_numbers) for video in videos], np.int64),
        frame_numbers=np.concatenate([video.frame_numbers for video in videos]),
        joints=np.concatenate([video.joints for video in videos]),
    )


def _load_entries(file: BinaryIO) -> np.ndarray:
    """The struct array of videos in the MAT file, (V,)."""
    try:
        data = scipy.io.loadmat(file, variable_names=["data"]).get("data")
    except MemoryError:
        raise
    # SciPy raises exceptions of many types, from zlib's to IndexError, if the file is damaged or not a MAT file.
    except Exception as error:
        raise _NotTheMatFile(f"it cannot be read: {' '.join(str(error).split())[:100]}") from None
    if not isinstance(data, np.ndarray) or data.dtype.names is None or data.size == 0:
        raise _NotTheMatFile("it contains no struct array `data`")
    missing = {"videoname", "locs", "frameids", "label_names"} - set(data.dtype.names)
    if missing:
        raise _NotTheMatFile(f"`data` lacks {', '.join(sorted(missing))}")
    return data.ravel()


def _annotated_video(number: int, entry: np.void) -> AnnotatedVideo:
    """Entry `number` of the MAT file's struct array, checked."""
    name = _text(entry["videoname"])
    if not name or name in (".", "..") or any(character in name for character in "/\\\0"):
        raise _NotTheMatFile(f"the name of video {number + 1}, {escaped(name)}, is not a folder name")
    label_names = tuple(_text(label).lower() for label in np.ravel(entry["label_names"]))
    if label_names != JOINT_NAMES:
        raise _NotTheMatFile(f"the joints of the video {escaped(name)} are not {', '.join(JOINT_NAMES)}")
    frame_numbers: np.ndarray = np.asarray(entry["frameids"]).ravel()
    joints: np.ndarray = np.asarray(entry["locs"])
    if frame_numbers.dtype.kind not in "iuf" or joints.dtype.kind not in "iuf":
        raise _NotTheMatFile(f"frameids or locs of the video {escaped(name)} are not numbers")
    if joints.shape != (2, len(JOINT_NAMES), len(frame_numbers)):
        expected = (2, len(JOINT_NAMES), len(frame_numbers))
        raise _NotTheMatFile(f"locs of the video {escaped(name)} have shape {joints.shape}, not {expected}")
    if not ((frame_numbers >= 0) & (frame_numbers < 2**31) & (frame_numbers % 1 == 0)).all():
        raise _NotTheMatFile(f"frameids of the video {escaped(name)} are not whole numbers")
    order = np.argsort(frame_numbers, kind="stable")
    joints = joints.astype(np.float64).transpose(2, 1, 0)[order]
    frame_numbers = frame_numbers.astype(np.int64)[order]
    if not np.isfinite(joints).all():
        frame, joint, _ = np.argwhere(~np.isfinite(joints))[0]
        where = f"frame {frame_numbers[frame]} of the video {escaped(name)}"
        raise _NotTheMatFile(f"the {JOINT_NAMES[joint]} in {where} has no finite position")
    return AnnotatedVideo(name, frame_numbers, joints)


def _text(value: np.ndarray | str) -> str:
    """The string in a MATLAB char array, or in a cell that contains one; empty for anything else."""
    while isinstance(value, np.ndarray) and value.size == 1:
        value = value.item()
    return value if isinstance(value, str) else ""


if __name__ == "__main__":
    main()
