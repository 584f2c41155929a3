"""Reads all of a data set once and describes it: counts, shared frames, labels, and what looks wrong.

Reading everything also verifies all checksums, and the digests and sums that the file stores.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from tqdm import tqdm

from pipeline.joints import JOINT_NAMES
from pipeline.sequence_shape import SequenceShape
from pipeline.split import SPLITS, split_sequences
from pipeline.store.check import damaged
from pipeline.store.frame_sharing import count_sharing_frames
from pipeline.store.layout import frame_digest
from pipeline.store.plausibility import Plausibility
from pipeline.store.reader import SequenceStore
from support.text import counted
from support.user_error import UserError

ROWS_PER_READ = 512
FRAMES_PER_READ = 256
HEAT_CELLS = 64  # of a heat map, across and down, whatever the size of the frames
# Of float64 sums of float32 values, added in another order.
LARGEST_RELATIVE_ERROR = 1e-9


@dataclass(frozen=True)
class JointStatistics:
    """The labels of all sequences and their frames, joint by joint, in pixels of the frame."""

    mean: np.ndarray  # float64 (7, 2), x and y
    deviation: np.ndarray  # float64 (7, 2), the population standard deviation
    minimum: np.ndarray  # float32 (7, 2)
    maximum: np.ndarray  # float32 (7, 2)
    outside: np.ndarray  # float64 (7,), the share of positions outside the frame, from 0 to 1
    heat: np.ndarray  # int64 (7, HEAT_CELLS, HEAT_CELLS), the positions in each cell of a grid over the frame


@dataclass(frozen=True)
class FrameUse:
    """Which frames several sequences or videos use."""

    sharing_sequences: int  # sequences with a frame that is in another sequence too
    frames_of_two_videos: int  # frames that are in more than one video


@dataclass(frozen=True)
class Inspection:
    """What inspect_h5.py shows of a data set."""

    facts: list[tuple[str, str]]  # pairs of a name and a value
    splits: list[tuple[str, str]]  # for each kind of split, what its two sides share
    warnings: list[str]  # about implausible data, one line each
    examples: dict[str, list[tuple[int, int]]]  # implausible labels by kind, each (sequence, frame of the sequence)
    joints: JointStatistics
    mean_frame: np.ndarray  # float64 (64, 64, 3), of the distinct frames


def inspect_store(store: SequenceStore) -> Inspection:
    """Reads all of an open store. Raises UserError if it is damaged, or its digests or sums do not match its data.

    Memory: about 10 bytes for each distinct frame and 20 for each sequence, besides blocks of fixed size.
    """
    plausibility = Plausibility(store.shape)
    mean_frame = _read_frames(store, plausibility)
    use = _read_sequences(store, plausibility)
    joints = _read_labels(store, plausibility)
    warnings = plausibility.warnings()
    if use.frames_of_two_videos:
        shared = counted(use.frames_of_two_videos, "frame")
        warnings.append(f"more than one video contains {shared}, so a split by video shares frames")
    return Inspection(_facts(store, use, joints), _splits(store), warnings, plausibility.examples, joints, mean_frame)


def _read_frames(store: SequenceStore, plausibility: Plausibility) -> np.ndarray:
    """The mean of all distinct frames, float64 (64, 64, 3)."""
    total = np.zeros(store.shape.frame)
    with tqdm(total=store.number_of_frames, desc="reading", unit=" frames", leave=False, disable=None) as progress:
        for part in _parts(store.number_of_frames, FRAMES_PER_READ):
            frames = store.read_frames(part)
            plausibility.add_frames(frames)
            total += frames.sum(axis=0, dtype=np.int64)
            expected = b"".join(map(frame_digest, frames))
            if store.read_digests(part).tobytes() != expected:
                raise damaged(store.path, f"a digest of the frames {part[0]} to {part[-1]} is not that of the frame")
            progress.update(len(part))
    return total / max(1, store.number_of_frames)


def _read_sequences(store: SequenceStore, plausibility: Plausibility) -> FrameUse:
    number = store.number_of_frames
    sequence_of, video_of = np.full((2, number), -1, np.int32)
    is_shared, is_in_two_videos = np.zeros((2, number), bool)
    for part in _parts(len(store), ROWS_PER_READ):
        numbers = store.read_frame_numbers(part)
        plausibility.add_sequences(numbers)
        # One sequence at a time: within a block, a later sequence must find what an earlier one marked.
        for sequence, frames in zip(part.tolist(), numbers, strict=True):
            earlier = sequence_of[frames]
            is_shared[frames[(earlier >= 0) & (earlier != sequence)]] = True
            sequence_of[frames] = sequence
            video = store.videos[sequence]
            is_in_two_videos[frames[(video_of[frames] >= 0) & (video_of[frames] != video)]] = True
            video_of[frames] = video
    sharing = sum(
        int(is_shared[store.read_frame_numbers(part)].any(axis=1).sum()) for part in _parts(len(store), ROWS_PER_READ)
    )
    return FrameUse(sharing, int(is_in_two_videos.sum()))


def _read_labels(store: SequenceStore, plausibility: Plausibility) -> JointStatistics:
    joints = len(JOINT_NAMES)
    total, squares = np.zeros((2, joints, 2))
    sums = np.zeros((int(store.videos.max()) + 1, joints, 2))
    minimum, maximum = np.full((joints, 2), np.inf, np.float32), np.full((joints, 2), -np.inf, np.float32)
    inside = np.zeros(joints, np.int64)
    heat = np.zeros((joints, HEAT_CELLS, HEAT_CELLS), np.int64)
    for part in _parts(len(store), ROWS_PER_READ):
        labels = store.read_labels(part)
        plausibility.add_labels(labels)
        exact = labels.astype(np.float64)
        np.add.at(sums, store.videos[part], exact.sum(axis=1))
        total += exact.sum(axis=(0, 1))
        squares += np.square(exact).sum(axis=(0, 1))
        minimum, maximum = np.minimum(minimum, labels.min(axis=(0, 1))), np.maximum(maximum, labels.max(axis=(0, 1)))
        in_block = _heat(labels, store.shape)
        heat += in_block
        inside += in_block.sum(axis=(1, 2))
    if store.has_label_sums and not np.allclose(
        store.read_label_sums(np.arange(len(sums))), sums, LARGEST_RELATIVE_ERROR, LARGEST_RELATIVE_ERROR
    ):
        raise damaged(store.path, "its sums of labels do not match its labels")
    count = len(store) * store.shape.length
    mean = total / count
    deviation = np.sqrt(np.maximum(squares / count - mean**2, 0))
    return JointStatistics(mean, deviation, minimum, maximum, 1 - inside / count, heat)


def _heat(labels: np.ndarray, shape: SequenceShape) -> np.ndarray:
    """The positions in each cell of a grid over the frame, int64 (7, HEAT_CELLS, HEAT_CELLS), rows from the top.

    labels: (S, 10, 7, 2). Positions outside the frame are in no cell; the right and lower edges are in the last ones.
    """
    positions = labels.reshape(-1, *labels.shape[2:])
    size = np.array([shape.width, shape.height])
    is_inside = np.all((positions >= 0) & (positions <= size), axis=-1)
    cells = np.minimum(np.where(is_inside[..., None], positions, 0) * HEAT_CELLS // size, HEAT_CELLS - 1).astype(int)
    joints = np.broadcast_to(np.arange(len(JOINT_NAMES)), is_inside.shape)
    flat = (joints * HEAT_CELLS + cells[..., 1]) * HEAT_CELLS + cells[..., 0]
    counts = np.bincount(flat[is_inside], minlength=len(JOINT_NAMES) * HEAT_CELLS**2)
    return counts.reshape(len(JOINT_NAMES), HEAT_CELLS, HEAT_CELLS)


def _facts(store: SequenceStore, use: FrameUse, joints: JointStatistics) -> list[tuple[str, str]]:
    _, sizes = np.unique(store.videos, return_counts=True)
    slots = len(store) * store.shape.length
    outside = joints.outside.mean()
    return [
        ("file", store.path),
        ("source", store.source_name or "unknown"),
        ("SHA-256 of the source", store.source_sha256 or "unknown"),
        ("shape", f"sequences of {store.shape}"),
        ("sequences", f"{len(store)}; {use.sharing_sequences} share a frame with another sequence"),
        ("distinct frames", f"{store.number_of_frames} in {slots} places"),
        ("videos", f"{len(sizes)}, of {sizes.min()} to {sizes.max()} sequences, median {np.median(sizes):.0f}"),
        ("x of the labels", f"{joints.minimum[:, 0].min():.2f} to {joints.maximum[:, 0].max():.2f} px"),
        ("y of the labels", f"{joints.minimum[:, 1].min():.2f} to {joints.maximum[:, 1].max():.2f} px"),
        ("outside the frame", f"{100 * outside:.2f} % of the joints"),
        ("checksums", "all match" + ("" if store.has_label_sums else "; the file has no digests and sums of labels")),
    ]


def _splits(store: SequenceStore) -> list[tuple[str, str]]:
    """For each kind of split with the default number of validation sequences and seed 0, what its sides share."""
    described = []
    for kind in SPLITS[:-1]:
        try:
            training, validation = split_sequences(store.videos, kind, None, seed=0)
        except UserError:
            described.append((kind, "not possible: the data set is too small"))
        else:
            shared = count_sharing_frames(store, training, store, validation)
            videos = counted(len(np.unique(store.videos[validation])), "video")
            text = (
                f"{counted(len(validation), 'validation sequence')} from {videos}, {shared} share frames with training"
            )
            described.append((kind, text))
    return described


def _parts(number: int, most: int) -> Iterator[np.ndarray]:
    """The numbers from 0 to `number`, `most` at a time."""
    return (np.arange(start, min(start + most, number)) for start in range(0, number, most))
