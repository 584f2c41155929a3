"""Sequences to evaluate, in blocks that share frames, so that each different frame is read and computed once."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from pipeline.store.blocks import by_video
from pipeline.store.reader import SequenceStore

SEQUENCES_PER_BLOCK = 256
# The features of a frame, which are kept for a whole block, may take a hundred kilobytes.
FRAMES_PER_BLOCK = 128


class EvaluationBlock(NamedTuple):
    """B sequences over D different frames.

    indices: int (B,), the sequence numbers. frame_numbers: int32 (B, 10), those of their frames in the store. frames:
    uint8 (D, 64, 64, 3). rows: int (B, 10), where in `frames` each sequence's frames are. labels: float32
    (B, 10, 7, 2), pixels.
    """

    indices: np.ndarray
    frame_numbers: np.ndarray
    frames: np.ndarray
    rows: np.ndarray
    labels: np.ndarray


def evaluation_blocks(store: SequenceStore, indices: np.ndarray) -> Iterator[EvaluationBlock]:
    """Yields every one of these sequences once, as EvaluationBlocks, video by video.

    store: an open SequenceStore. indices: int (N,). A block holds whole videos, which share no frames with others, or a
    part of one video that has more sequences or frames than a block: only such a video's frames are in several blocks.
    A block holds at most 256 sequences, and at most 128 different frames unless a single sequence has more.
    """
    ordered = by_video(store, indices)
    videos = store.videos[ordered]
    start = 0
    while start < len(ordered):
        named = store.read_frame_numbers(ordered[start : start + SEQUENCES_PER_BLOCK])
        end = _end_of_block(videos, start, _sequences_in_reach(named))
        # In the order of the file, so that its labels are read in a few stretches.
        in_file = np.argsort(ordered[start:end])
        chosen, named = ordered[start:end][in_file], named[in_file]
        numbers, rows = np.unique(named, return_inverse=True)
        yield EvaluationBlock(
            chosen,
            named,
            store.read_frames(numbers),
            rows.reshape(named.shape),
            store.read_labels(chosen),
        )
        start = end


def _sequences_in_reach(frames: np.ndarray) -> int:
    """How many of these sequences, int (B, 10), hold no more than FRAMES_PER_BLOCK different frames; one at least."""
    _, first_places = np.unique(frames, return_index=True)
    new_frames = np.bincount(first_places // frames.shape[1], minlength=len(frames))
    return max(1, int(np.searchsorted(np.cumsum(new_frames), FRAMES_PER_BLOCK, side="right")))


def _end_of_block(videos: np.ndarray, start: int, in_reach: int) -> int:
    """Where the block ends that begins at `start`: at the last end of a video in reach, if there is one."""
    end = start + in_reach
    if end >= len(videos):
        return len(videos)
    last_begins = int(np.searchsorted(videos, videos[end]))
    return last_begins if last_begins > start else end
