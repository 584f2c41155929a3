"""The order in which sequences are trained on: a function of the seed and the epoch's number alone."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np


def epoch_order(indices: np.ndarray, seed: int, epoch: int) -> np.ndarray:
    """The sequence numbers `indices`, int (N,), each once, in the order of this epoch."""
    return np.random.default_rng([seed, epoch]).permutation(indices)


def steps_per_epoch(number_of_sequences: int, batch_size: int) -> int:
    """The number of batches in an epoch, including a shorter last one."""
    return -(-number_of_sequences // batch_size)


def endless_batches(indices: np.ndarray, batch_size: int, seed: int, first_step: int = 0) -> Iterator[np.ndarray]:
    """Yields int arrays (batch_size,) of sequence numbers, epoch after epoch, from step `first_step` on.

    The last batch of an epoch is shorter if batch_size does not divide the number of sequences. A run that stops after
    step k and resumes with first_step=k sees the same batches as an uninterrupted run.
    """
    steps = steps_per_epoch(len(indices), batch_size)
    first_epoch, skipped = divmod(first_step, steps)
    for epoch in itertools.count(first_epoch):
        order = epoch_order(indices, seed, epoch)
        for start in range(skipped * batch_size, len(order), batch_size):
            yield order[start : start + batch_size]
        skipped = 0
