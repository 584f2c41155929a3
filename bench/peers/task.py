"""What a peer is asked to do, and what it returns."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import TYPE_CHECKING

import numpy as np
from tqdm import tqdm

from pipeline.sequence_shape import SequenceShape
from pipeline.store.reader import SequenceStore

if TYPE_CHECKING:
    import tensorflow as tf  # noqa: TID251

SEED = 0
SEQUENCES_PER_READ = 64


@dataclasses.dataclass(frozen=True)
class Task:
    """A task is passed to another process as JSON."""

    data: str  # path of a store
    folder: str  # of the files that the peer made from it, "" if it reads the store itself
    sequences: int  # of the store
    shape: SequenceShape  # of the store
    batch_size: int
    options: dict[str, int]  # of the peer's `deliver`

    def to_json(self) -> str:
        shape = [self.shape.length, self.shape.height, self.shape.width]
        return json.dumps([self.data, self.folder, self.sequences, shape, self.batch_size, self.options])

    @staticmethod
    def from_json(text: str) -> Task:
        data, folder, sequences, shape, batch_size, options = json.loads(text)
        return Task(data, folder, sequences, SequenceShape(*shape), batch_size, options)


@dataclasses.dataclass(frozen=True)
class Delivery:
    """A pipeline that runs. Both functions wait for the next batch."""

    deliver: Callable[[], object]  # leaves the batch where training would use it
    arrays: Callable[
        [], tuple[np.ndarray, np.ndarray]
    ]  # frames, uint8 (B, 10, 64, 64, 3); labels, float32 (B, 10, 7, 2)


def deliver_dataset(tensorflow_v1: ModuleType, make_dataset: Callable[[], tf.data.Dataset]) -> Delivery:
    """Delivers a `tf.data` data set in graph mode, without copying batches out of TensorFlow.

    make_dataset: makes it in the current graph. tensorflow_v1: `tensorflow.compat.v1`.
    """
    with tensorflow_v1.Graph().as_default():
        iterator = tensorflow_v1.data.make_initializable_iterator(make_dataset())
        batch = iterator.get_next()
        session = tensorflow_v1.Session()
        session.run(tensorflow_v1.local_variables_initializer())
        session.run(iterator.initializer)
        return Delivery(session.make_callable(tensorflow_v1.group(*batch)), session.make_callable(batch))


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
    """Yields batches of sequence numbers endlessly, in another random order each epoch; drops the remainder."""
    random = np.random.default_rng(SEED)
    while True:
        whole = sequences // batch_size * batch_size
        yield from random.permutation(sequences)[:whole].reshape(-1, batch_size)
