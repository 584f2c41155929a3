"""Divides sequences into blocks of neighbours. The frames of a block lie together in the file and are read at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pipeline.sample_source import SampleSource


@dataclass(frozen=True)
class Blocks:
    """P blocks of N sequences. Sequences of one block share frames; different blocks share few or none."""

    sequences: np.ndarray  # int32 (N,), the sequence numbers, block after block
    ends: np.ndarray  # int64 (P,), the position in `sequences` at which each block ends
    frames: np.ndarray  # int64 (P,), an upper bound of the number of distinct frames in each block

    def of(self, block: int) -> np.ndarray:
        """The sequence numbers of one block."""
        return self.sequences[self.ends[block - 1] if block else 0 : self.ends[block]]


def cut_into_blocks(store: SampleSource, indices: np.ndarray, most_frames: int) -> Blocks:
    """Divides sequences of an open data set into blocks: whole videos, or parts of long ones.

    indices: int (N,), the sequences. most_frames: the most frames of a block, at least those of one sequence. Where a
    long video is cut, the frames of a few sequences are in two blocks.
    """
    ordered = by_video(store, indices).astype(np.int32)
    ends: list[int] = []
    counts: list[int] = []
    start = 0
    for end in [*(np.flatnonzero(np.diff(store.videos[ordered])) + 1).tolist(), len(ordered)]:
        # Each frame's rank in the video, because frames of a video may lie far apart in the file.
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
    """The number of sequences, and of frames at most, in each part of a video. ranks: int (N, 10), of the frames."""
    length, parts, start = ranks.shape[1], [], 0
    first, latest = ranks.min(axis=1), np.maximum.accumulate(ranks.max(axis=1))
    while start < len(ranks):
        number = int(np.searchsorted(latest[start:], first[start] + most_frames))
        frames = int(latest[start + number - 1] - first[start : start + number].min()) + 1 if number else 0
        if not 0 < frames <= most_frames:
            # Sequences of frames that are far apart share few of them: each is assumed to have its own frames.
            number = min(most_frames // length, len(ranks) - start)
            frames = length * number
        parts.append((number, min(frames, length * number)))
        start += number
    return parts


def by_video(store: SampleSource, indices: np.ndarray) -> np.ndarray:
    """The same sequences, int (N,), sorted by video and then by first frame."""
    return indices[np.lexsort((store.first_frames[indices], store.videos[indices]))]
