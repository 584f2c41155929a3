"""Converts the YouTube Pose data set, as its publisher releases it, to one or two HDF5 stores."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from pipeline.sequence_shape import COURSE_SHAPE, SequenceShape
from pipeline.sources.annotated_pictures import AnnotatedPictures, Part, WrittenPart, write_part
from pipeline.sources.sequence_frames import COURSE_STRIDES, number_of_starts, sequence_frames
from pipeline.sources.youtube_pose_release import PICTURES_FOLDER, find_pictures, mat_file, read_annotations
from support.atomic_write import atomic_write
from support.destination import claimed_destination
from support.user_error import UserError


class ConvertedRelease(NamedTuple):
    """parts: the files written. warnings: a line for each kind of input that was left out."""

    parts: list[WrittenPart]
    warnings: list[str]


@contextlib.contextmanager
def claimed_release_paths(release: str, destination: str, withheld: int | None, overwrite: bool) -> Iterator[None]:
    """Keeps other conversions from writing the destinations until the end.

    Raises UserError if the release has no MAT file or a destination cannot or must not be written.
    """
    mat_path = mat_file(release)
    pictures = os.path.join(os.path.realpath(release), PICTURES_FOLDER, "")
    with contextlib.ExitStack() as claims:
        for path in _part_paths(destination, withheld):
            if os.path.realpath(path).startswith(pictures):
                raise UserError(f"{path} lies among the pictures of the release; choose another destination")
            claims.enter_context(claimed_destination(path, mat_path, overwrite))
        yield


def _part_paths(destination: str, withheld: int | None) -> list[str]:
    """The paths to write: DESTINATION.h5 and, if sequences are withheld, DESTINATION_withheld.h5."""
    start, end = os.path.splitext(destination)
    return [destination] + ([f"{start}_withheld{end}"] if withheld else [])


def convert_release(
    release: str,
    destination: str,
    withheld: int | None = None,
    strides: Sequence[int] = COURSE_STRIDES,
    shape: SequenceShape = COURSE_SHAPE,
) -> ConvertedRelease:
    """Writes all sequences of the release to `destination`; both files, if there are two, appear at the end.

    release: the folder that holds the MAT file. withheld: how many of the last sequences to write to
    DESTINATION_withheld.h5 instead. strides: see sequence_frames. shape: of the sequences to make. Raises UserError if
    the release is malformed or incomplete, or if there are no sequences to write; OSError if a file cannot be read or
    written.
    """
    videos = read_annotations(release)
    found = find_pictures(release, videos)
    frames_of_videos = [len(video.frame_numbers) for video in videos]
    pictures = AnnotatedPictures(
        found.paths,
        np.concatenate([video.joints for video in videos]),
        np.repeat(np.arange(len(videos)), frames_of_videos),
    )
    sequences, of_videos = sequence_frames(frames_of_videos, shape.length, strides)
    cut = len(sequences) - (withheld or 0)
    if cut < 1:
        raise UserError(_too_few_sequences(len(sequences), withheld, shape))
    paths = _part_paths(destination, withheld)
    cuts = [slice(0, cut), slice(cut, None)][: len(paths)]
    parts = [Part(path, sequences[part], of_videos[part]) for path, part in zip(paths, cuts, strict=True)]
    with contextlib.ExitStack() as stack:
        partials = [stack.enter_context(atomic_write(path)) for path in paths]
        mat_path = mat_file(release)
        written = [
            write_part(part, partial, mat_path, pictures, shape) for part, partial in zip(parts, partials, strict=True)
        ]
    return ConvertedRelease(written, found.warnings + _short_videos(frames_of_videos, shape.length, strides))


def _too_few_sequences(number: int, withheld: int | None, shape: SequenceShape) -> str:
    if number == 0:
        return f"no video has enough frames for a sequence of {shape.length}; lower --sequence-length or --strides"
    return f"--withheld {withheld} leaves nothing of the {number} sequences; lower it"


def _short_videos(frames_of_videos: Sequence[int], length: int, strides: Sequence[int]) -> list[str]:
    """A warning for each stride at which some videos are too short for a sequence."""
    warnings = []
    for stride in strides:
        number = sum(number_of_starts(frames, length, stride) == 0 for frames in frames_of_videos)
        if number:
            warnings.append(
                f"{number} of {len(frames_of_videos)} videos have too few frames for sequences of {length} at stride "
                f"{stride}, and none are written of them"
            )
    return warnings
