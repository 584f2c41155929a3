"""Neighbouring sequences in blocks: each block's frames are read from the file in one go."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from pipeline.store.reader import SequenceStore


class Blocks(NamedTuple):
    """P blocks of N sequences. Sequences of one block share frames; different blocks share few or none.

    sequences: int32 (N,), the sequence numbers, block after block. ends: int64 (P,), where each block ends in them.
    frames: int64 (P,), an upper bound of the number of different frames in each block.
    """

    sequences: np.ndarray
    ends: np.ndarray
    frames: np.ndarray

    def of(self, block: int) -> np.ndarray:
        """The sequence numbers of one block."""
        return self.sequences[self.ends[block - 1] if block else 0 : self.ends[block]]


def cut_into_blocks(store: SequenceStore, indices: np.ndarray, most_frames: int) -> Blocks:
    """Cuts these sequences, int (N,), of an open store into blocks: whole videos, or parts of long ones.

    most_frames: of a block, at least those of one sequence. Where a long video is cut, the frames of a few sequences
    are in two blocks.
    """
    ordered = by_video(store, indices).astype(np.int32)
    ends: list[int] = []
    counts: list[int] = []
    start = 0
    for end in [*(np.flatnonzero(np.diff(store.videos[ordered])) + 1).tolist(), len(ordered)]:
        # Frame numbers in their order in the video: in the file, some of a video may lie far from the others.
        numbers, ranks = np.unique(store.read_frame_numbers(ordered[start:end]), return_inverse=True)
        if len(numbers) <= most_frames:
            parts = [(end - start, len(numbers))]
        else:
            parts = _parts_of_video(ranks.reshape(end - start, -1), most_frames)
        for sequences, frames in parts:
            start += sequences
            ends.append(start)
            counts.append(frames)
    return Blocks(ordered, np.array(ends, np.int64), np.array(counts, np.int64))


def _parts_of_video(ranks: np.ndarray, most_frames: int) -> list[tuple[int, int]]:
    """The numbers of sequences, and of frames at most, of each part of a video; ranks: of the frames, int (N, 10)."""
    length, parts, start = ranks.shape[1], [], 0
    first, latest = ranks.min(axis=1), np.maximum.accumulate(ranks.max(axis=1))
    while start < len(ranks):
        number = int(np.searchsorted(latest[start:], first[start] + most_frames))
        frames = int(latest[start + number - 1] - first[start : start + number].min()) + 1 if number else 0
        if not 0 < frames <= most_frames:
            # Sequences of frames far apart share few: each has frames of its own.
            number = min(most_frames // length, len(ranks) - start)
            frames = length * number
        parts.append((number, min(frames, length * number)))
        start += number
    return parts


def by_video(store: SequenceStore, indices: np.ndarray) -> np.ndarray:
    """The same sequences, int (N,), video by video, and in each by their first frames."""
    return indices[np.lexsort((store.first_frames[indices], store.videos[indices]))]
