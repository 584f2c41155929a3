"""Converts the YouTube Pose data set, as its publisher releases it, to one or two HDF5 stores."""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tqdm import tqdm

from pipeline.sequence_shape import COURSE_SHAPE, SequenceShape
from pipeline.sources.conversion_summary import ConversionSummary, LabelRange, summarize
from pipeline.sources.scaled_pictures import scaled_pictures
from pipeline.sources.sequence_frames import COURSE_STRIDES, number_of_starts, sequence_frames
from pipeline.sources.youtube_pose_release import PICTURES_FOLDER, find_pictures, mat_file, read_annotations
from pipeline.store.writer import StoreWriter
from support.atomic_write import atomic_write
from support.destination import claimed_destination
from support.user_error import UserError

SEQUENCES_PER_BLOCK = 64


@dataclass(frozen=True)
class ConvertedRelease:
    parts: list[ConversionSummary]  # a summary of each file written
    warnings: list[str]  # one for each kind of input that was skipped


@dataclass(frozen=True)
class _Pictures:
    """The annotated pictures of all videos, P in number."""

    mat_path: str  # the file with the annotations
    paths: list[str]
    joints: np.ndarray  # float64 (P, 7, 2), x and y in pixels of the picture
    videos: np.ndarray  # int (P,)


@contextlib.contextmanager
def claimed_release_paths(release: str, destination: str, withheld: int | None, overwrite: bool) -> Iterator[None]:
    """Prevents other conversions from writing the destinations until the end of the `with` block.

    Raises UserError if the release has no MAT file or a destination cannot or must not be written.
    """
    mat_path = mat_file(release)
    pictures = os.path.join(os.path.realpath(release), PICTURES_FOLDER, "")
    with contextlib.ExitStack() as claims:
        for path in _part_paths(destination, withheld):
            if os.path.realpath(path).startswith(pictures):
                raise UserError(f"{path} is in the release's folder of pictures; choose another destination")
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
    """Writes all sequences of the release to `destination`. If there are two files, both appear at the end.

    release: the folder that contains the MAT file. withheld: the number of sequences at the end to write to
    DESTINATION_withheld.h5 instead. strides: see sequence_frames. shape: of the sequences to make. Raises UserError if
    the release is malformed or incomplete, or if there are no sequences to write; OSError if a file cannot be read or
    written.
    """
    videos = read_annotations(release)
    found = find_pictures(release, videos)
    frames_of_videos = [len(video.frame_numbers) for video in videos]
    joints = np.concatenate([video.joints for video in videos])
    pictures = _Pictures(mat_file(release), found.paths, joints, np.repeat(np.arange(len(videos)), frames_of_videos))
    sequences, videos_of_sequences = sequence_frames(frames_of_videos, shape.length, strides)
    if len(sequences) == 0:
        raise UserError(
            f"no video has enough frames for a sequence of {shape.length}; lower --sequence-length or --strides"
        )
    cut = len(sequences) - (withheld or 0)
    if cut < 1:
        raise UserError(f"--withheld {withheld} leaves none of the {len(sequences)} sequences; lower it")
    summaries = []
    with contextlib.ExitStack() as stack:
        paths = _part_paths(destination, withheld)
        partials = [stack.enter_context(atomic_write(path)) for path in paths]
        for path, partial, part in zip(paths, partials, (slice(0, cut), slice(cut, None)), strict=False):
            summaries.append(_write(path, partial, sequences[part], videos_of_sequences[part], pictures, shape))
    return ConvertedRelease(summaries, found.warnings + _short_videos(frames_of_videos, shape.length, strides))


def _short_videos(frames_of_videos: Sequence[int], length: int, strides: Sequence[int]) -> list[str]:
    """A warning for each stride at which some videos are too short for a sequence."""
    warnings = []
    for stride in strides:
        number = sum(number_of_starts(frames, length, stride) == 0 for frames in frames_of_videos)
        if number:
            warnings.append(
                f"{number} of {len(frames_of_videos)} videos have too few frames for a sequence of {length} at stride "
                f"{stride}; they give no such sequence"
            )
    return warnings


def _write(
    path: str, partial: str, sequences: np.ndarray, videos: np.ndarray, pictures: _Pictures, shape: SequenceShape
) -> ConversionSummary:
    """Writes sequences to the file `partial`, which belongs at `path`, and decodes and scales their pictures.

    sequences: int32 (N, length), the picture numbers of each. videos: int32 (N,), the video of each. The attributes
    that describe the source cover everything that was read: the MAT file's bytes, then those of each picture in the
    order of the frames. Raises UserError if a picture cannot be decoded or a joint is not finite, OSError if a file
    cannot be read or written.
    """
    contents = Path(pictures.mat_path).read_bytes()
    sha256, source_size = hashlib.sha256(contents), len(contents)
    numbers = np.full(len(pictures.paths), -1, np.int32)
    joints = np.empty(pictures.joints.shape)
    label_range = LabelRange()
    chosen = _in_order_of_appearance(sequences)
    description = f"decoding pictures for {os.path.basename(path)}"
    with (
        StoreWriter(partial, shape) as writer,
        tqdm(total=len(chosen), desc=description, unit=" pictures", leave=False, disable=None) as progress,
    ):
        scaled = scaled_pictures([pictures.paths[number] for number in chosen], shape.height, shape.width)
        for number, picture in zip(chosen, scaled, strict=True):
            sha256.update(picture.contents)
            source_size += len(picture.contents)
            numbers[number] = writer.add_frame(picture.frame)
            factors = shape.width / picture.old_width, shape.height / picture.old_height
            joints[number] = pictures.joints[number] * factors
            progress.update()
        number_of = {video: number for number, video in enumerate(dict.fromkeys(videos.tolist()))}
        numbered_videos = np.array([number_of[video] for video in videos.tolist()], np.int32)
        for start in range(0, len(sequences), SEQUENCES_PER_BLOCK):
            block = slice(start, start + SEQUENCES_PER_BLOCK)
            writer.add_sequences(numbers[sequences[block]], numbered_videos[block])
            writer.add_labels(label_range.add(joints[sequences[block]]))
        label_range.require_finite()
        source_name = os.path.basename(os.path.dirname(os.path.abspath(pictures.mat_path)))
        counts = writer.finish(source_name, source_size, sha256.hexdigest())
    summary = summarize(path, partial, source_size, counts, label_range, shape.length)
    in_two_videos = _count_in_two_videos(numbers[chosen], pictures.videos[chosen])
    if in_two_videos:
        summary.warnings.append(f"frames found in more than one video: {in_two_videos}; the videos stay separate")
    return summary


def _in_order_of_appearance(sequences: np.ndarray) -> list[int]:
    """The picture numbers in these sequences, int (N, length), each once."""
    pictures, first_slots = np.unique(sequences, return_index=True)
    in_order: list[int] = pictures[np.argsort(first_slots)].tolist()
    return in_order


def _count_in_two_videos(frames: np.ndarray, videos: np.ndarray) -> int:
    """The number of frames in more than one video. frames, videos: int (P,), those of each picture."""
    frames_by_video = np.unique(np.stack([frames, videos], axis=1), axis=0)[:, 0]
    _, videos_of_frame = np.unique(frames_by_video, return_counts=True)
    return int((videos_of_frame > 1).sum())
