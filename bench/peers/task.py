"""What a peer is asked to do, and what it gives in return."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
from tqdm import tqdm

from pipeline.sequence_shape import SequenceShape
from pipeline.store.reader import SequenceStore

SEED = 0
SEQUENCES_PER_READ = 64


class Task(NamedTuple):
    """data: the path of a store. folder: of the files that the peer made from it, "" if it reads the store itself.

    sequences, shape: of the store. options: for the peer's `deliver`. A task is passed to another process as JSON.
    """

    data: str
    folder: str
    sequences: int
    shape: SequenceShape
    batch_size: int
    options: dict[str, int]

    def to_json(self) -> str:
        return json.dumps(self)

    @staticmethod
    def from_json(text: str) -> Task:
        data, folder, sequences, shape, batch_size, options = json.loads(text)
        return Task(data, folder, sequences, SequenceShape(*shape), batch_size, options)


class Delivery(NamedTuple):
    """A pipeline that runs. deliver: waits for the next batch, and leaves it where training would use it.

    arrays: waits for the next batch, and returns its frames, uint8 (B, 10, 64, 64, 3), and labels, float32
    (B, 10, 7, 2).
    """

    deliver: Callable[[], object]
    arrays: Callable[[], tuple[np.ndarray, np.ndarray]]


def read_all_sequences(path: str, description: str) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yields the frames, uint8 (S, 10, 64, 64, 3), and labels, float32 (S, 10, 7, 2), of a store, block by block."""
    with (
        SequenceStore(path) as store,
        tqdm(total=len(store), desc=description, unit=" sequences", leave=False, disable=None, delay=2) as progress,
    ):
        for start in range(0, len(store), SEQUENCES_PER_READ):
            block = np.arange(start, min(start + SEQUENCES_PER_READ, len(store)))
            yield store.read_sequences(block)
            progress.update(len(block))


def random_batches(sequences: int, batch_size: int) -> Iterator[np.ndarray]:
    """Yields batches of sequence numbers without end, in another random order in each epoch; leaves a remainder out."""
    random = np.random.default_rng(SEED)
    while True:
        whole = sequences // batch_size * batch_size
        yield from random.permutation(sequences)[:whole].reshape(-1, batch_size)
