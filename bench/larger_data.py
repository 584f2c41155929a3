"""Makes a data set several times as large: its frames, changed in as many ways, so that all frames differ."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from tqdm import tqdm

from pipeline.store.reader import SequenceStore
from pipeline.store.writer import StoreWriter
from support.argument_parser import value_type
from support.atomic_write import atomic_write

MOST_COPIES = 256  # as many as a byte has values
FRAMES_PER_READ = 256
SEQUENCES_PER_READ = 1024


@value_type(f"whole number from 1 to {MOST_COPIES}")
def copies(text: str) -> int:
    """The type of an option that is a number of copies."""
    if not 1 <= int(text) <= MOST_COPIES:
        raise ValueError(text)
    return int(text)


def enlarge(source: str, destination: str, copies: int) -> None:
    """Writes a data set with `copies` copies of the source's sequences, labels and videos.

    The frames of copy number c are those of the source, each byte combined with c by exclusive or. copies: 1 to
    MOST_COPIES. Raises UserError if the source is damaged, OSError if a file cannot be read or written.
    """
    with (
        SequenceStore(source) as store,
        atomic_write(destination) as partial,
        StoreWriter(partial, store.shape) as writer,
        tqdm(total=copies * len(store), unit=" sequences", leave=False, disable=None, delay=2) as progress,
    ):
        videos, number_of_videos = _in_order_of_appearance(store.videos)
        for copy in range(copies):
            numbers = _add_frames(writer, store, copy)
            for start in range(0, len(store), SEQUENCES_PER_READ):
                block = np.arange(start, min(start + SEQUENCES_PER_READ, len(store)))
                frame_numbers = numbers[store.read_frame_numbers(block)]
                writer.add_sequences(frame_numbers, videos[block] + copy * number_of_videos)
                writer.add_labels(store.read_labels(block))
                progress.update(len(block))
        writer.finish(f"{copies} times {Path(source).name}", 0, store.source_sha256)


def _in_order_of_appearance(videos: np.ndarray) -> tuple[np.ndarray, np.int32]:
    """The videos, int32 (N,), numbered from 0 in order of first appearance, and how many there are."""
    _, first_places, positions = np.unique(videos, return_index=True, return_inverse=True)
    ranks = np.argsort(np.argsort(first_places)).astype(np.int32)
    return ranks[positions], np.int32(len(ranks))


def _add_frames(writer: StoreWriter, store: SequenceStore, copy: int) -> np.ndarray:
    """Adds all of the store's frames, changed; returns their numbers in the new file, int32 (F,)."""
    numbers = np.empty(store.number_of_frames, np.int32)
    for start in range(0, len(numbers), FRAMES_PER_READ):
        block = np.arange(start, min(start + FRAMES_PER_READ, len(numbers)))
        numbers[block] = [writer.add_frame(frame) for frame in store.read_frames(block) ^ np.uint8(copy)]
    return numbers
