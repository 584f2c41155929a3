"""Makes a data set that is COPIES times as large: its frames, changed in as many ways, so that all frames differ.

A copy's frames are the given ones, with one number from 0 to 255 combined by exclusive or with each of their bytes. Its
sequences, labels and videos are those given.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from tqdm import tqdm

from pipeline.store.reader import SequenceStore
from pipeline.store.writer import StoredCounts, StoreWriter
from support.argument_parser import ArgumentParser, value_type
from support.atomic_write import atomic_write
from support.destination import check_destination
from support.user_error import reported_user_errors

# As many as a byte has values.
MOST_COPIES = 256
FRAMES_PER_READ = 256
SEQUENCES_PER_READ = 1024


def main() -> None:
    with reported_user_errors():
        arguments = parse_arguments()
        check_destination(arguments.destination, arguments.data, arguments.overwrite)
        counts = enlarge(arguments.data, arguments.destination, arguments.copies)
        print(f"wrote {counts.sequences} sequences over {counts.frames} frames to {arguments.destination}")


def parse_arguments() -> argparse.Namespace:
    parser = ArgumentParser(
        description=__doc__, epilog="example: python -m bench.larger_data youtube_train_data.h5 10 ten_times.h5"
    )
    parser.add_argument("data", metavar="DATA.h5")
    parser.add_argument("copies", metavar="COPIES", type=copies, help=f"how often, from 1 to {MOST_COPIES}")
    parser.add_argument("destination", metavar="OUT.h5", help="the file to write")
    parser.add_argument("--overwrite", action="store_true", help="replace OUT.h5 if it exists")
    return parser.parse_args()


@value_type(f"whole number from 1 to {MOST_COPIES}")
def copies(text: str) -> int:
    """The type of an option that is a number of copies."""
    if not 1 <= int(text) <= MOST_COPIES:
        raise ValueError(text)
    return int(text)


def enlarge(source: str, destination: str, copies: int) -> StoredCounts:
    """Writes the larger data set; memory is that of a StoreWriter. copies: 1 to MOST_COPIES.

    Raises UserError if the source is damaged, OSError if a file cannot be read or written.
    """
    with (
        SequenceStore(source) as store,
        atomic_write(destination) as partial,
        StoreWriter(partial, store.shape) as writer,
        tqdm(total=copies * len(store), unit=" sequences", leave=False, disable=None, delay=2) as progress,
    ):
        videos, number_of_videos = _in_order_of_appearance(store.videos)
        for change in range(copies):
            numbers = _add_frames(writer, store, change)
            for start in range(0, len(store), SEQUENCES_PER_READ):
                block = np.arange(start, min(start + SEQUENCES_PER_READ, len(store)))
                named = numbers[store.read_frame_numbers(block)]
                writer.add_sequences(named, videos[block] + change * number_of_videos)
                writer.add_labels(store.read_labels(block))
                progress.update(len(block))
        return writer.finish(f"{copies} times {Path(source).name}", 0, store.source_sha256)


def _in_order_of_appearance(videos: np.ndarray) -> tuple[np.ndarray, np.int32]:
    """The videos, int32 (N,), numbered from 0 in order of first appearance, and how many there are."""
    _, first_places, positions = np.unique(videos, return_index=True, return_inverse=True)
    ranks = np.argsort(np.argsort(first_places)).astype(np.int32)
    return ranks[positions], np.int32(len(ranks))


def _add_frames(writer: StoreWriter, store: SequenceStore, change: int) -> np.ndarray:
    """Adds all of the store's frames, changed; returns their numbers in the new file, int32 (F,)."""
    numbers = np.empty(store.number_of_frames, np.int32)
    for start in range(0, len(numbers), FRAMES_PER_READ):
        block = np.arange(start, min(start + FRAMES_PER_READ, len(numbers)))
        numbers[block] = [writer.add_frame(frame) for frame in store.read_frames(block) ^ np.uint8(change)]
    return numbers


if __name__ == "__main__":
    main()
