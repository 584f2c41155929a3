"""Groups sequences into blocks that share frames, so that each distinct frame is read and computed once."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from pipeline.store.blocks import by_video
from pipeline.store.reader import SequenceStore

SEQUENCES_PER_BLOCK = 256
# The features of all frames of a block stay in memory, and those of one frame may take a hundred kilobytes.
FRAMES_PER_BLOCK = 128


@dataclass(frozen=True)
class EvaluationBlock:
    """B sequences over D distinct frames."""

    indices: np.ndarray  # int (B,), sequence numbers in the store
    frame_numbers: np.ndarray  # int32 (B, 10), frame numbers in the store
    frames: np.ndarray  # uint8 (D, 64, 64, 3)
    rows: np.ndarray  # int (B, 10), the rows of `frames` that each sequence consists of
    labels: np.ndarray  # float32 (B, 10, 7, 2), pixels


def evaluation_blocks(
    store: SequenceStore,
    indices: np.ndarray,
    most_sequences: int = SEQUENCES_PER_BLOCK,
    most_frames: int = FRAMES_PER_BLOCK,
) -> Iterator[EvaluationBlock]:
    """Yields each of the sequences `indices` once, video by video.

    A block contains whole videos, which share no frames with other videos, or a part of one video that exceeds a limit.
    Only the frames of such a video can be in several blocks.

    store: an open SequenceStore. indices: int (N,). most_sequences, most_frames: the limits of a block; a single
    sequence may have more distinct frames.
    """
    ordered = by_video(store, indices)
    videos = store.videos[ordered]
    start = 0
    while start < len(ordered):
        frame_numbers = store.read_frame_numbers(ordered[start : start + most_sequences])
        end = _end_of_block(videos, start, _sequences_that_fit(frame_numbers, most_frames))
        # Sorted as in the file, so that few reads get all labels.
        in_file = np.argsort(ordered[start:end])
        chosen, frame_numbers = ordered[start:end][in_file], frame_numbers[in_file]
        distinct, rows = np.unique(frame_numbers, return_inverse=True)
        yield EvaluationBlock(
            indices=chosen,
            frame_numbers=frame_numbers,
            frames=store.read_frames(distinct),
            rows=rows.reshape(frame_numbers.shape),
            labels=store.read_labels(chosen),
        )
        start = end


def _sequences_that_fit(frame_numbers: np.ndarray, most_frames: int) -> int:
    """How many of these sequences, int (B, 10), have at most this many distinct frames in total; at least 1."""
    _, first_places = np.unique(frame_numbers, return_index=True)
    new_frames = np.bincount(first_places // frame_numbers.shape[1], minlength=len(frame_numbers))
    return max(1, int(np.searchsorted(np.cumsum(new_frames), most_frames, side="right")))


def _end_of_block(videos: np.ndarray, start: int, number: int) -> int:
    """The end of a block of up to `number` sequences from `start`: after the last whole video, if there is one."""
    end = start + number
    if end >= len(videos):
        return len(videos)
    last_begins = int(np.searchsorted(videos, videos[end]))
    return last_begins if last_begins > start else end
