"""Sequences to evaluate, in blocks that share frames, so that each different frame is read and computed once."""

from typing import NamedTuple

import numpy as np

SEQUENCES_PER_BLOCK = 256


class EvaluationBlock(NamedTuple):
    """B sequences over D different frames.

    indices: int (B,), the sequence numbers. frames: uint8 (D, 64, 64, 3). positions: int (B, 10), where in `frames`
    each sequence's frames are. labels: float32 (B, 10, 7, 2), pixels.
    """

    indices: np.ndarray
    frames: np.ndarray
    positions: np.ndarray
    labels: np.ndarray


def evaluation_blocks(store, indices):
    """Yields every one of these sequences once, as EvaluationBlocks, video by video.

    store: an open SequenceStore. indices: int (N,). A block holds whole videos, which share no frames with others, or a
    part of one that has more than 256 sequences, so that only such a video's frames are in more blocks than one. It
    holds at most 256 sequences; its frames are at most 2560, and a few hundred where sequences overlap as the course's.
    """
    ordered = indices[np.lexsort((store.sequences[indices, 0], store.videos[indices]))]
    videos = store.videos[ordered]
    start = 0
    while start < len(ordered):
        end = _end_of_block(videos, start)
        # In the order of the file, so that its labels are read in a few stretches.
        chosen = np.sort(ordered[start:end])
        numbers, positions = np.unique(store.sequences[chosen], return_inverse=True)
        yield EvaluationBlock(
            chosen,
            store.read_frames(numbers),
            positions.reshape(store.sequences[chosen].shape),
            store.read_labels(chosen),
        )
        start = end


def _end_of_block(videos, start):
    """Where the block ends that begins at `start`: at the last end of a video in reach, if there is one."""
    end = start + SEQUENCES_PER_BLOCK
    if end >= len(videos):
        return len(videos)
    last_begins = int(np.searchsorted(videos, videos[end]))
    return last_begins if last_begins > start else end
