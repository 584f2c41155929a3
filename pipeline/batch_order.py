"""The order in which sequences are trained on: a function of the seed and the epoch's number, and of nothing else."""

import itertools

import numpy as np


def epoch_order(indices, seed, epoch):
    """The sequence numbers `indices`, int (N,), in this epoch's order: every one once."""
    return np.random.default_rng([seed, epoch]).permutation(indices)


def steps_per_epoch(number_of_sequences, batch_size):
    """Batches an epoch, the short one at its end counted."""
    return -(-number_of_sequences // batch_size)


def endless_batches(indices, batch_size, seed, first_step=0):
    """Yields int arrays (batch_size,) of sequence numbers, epoch after epoch, from step `first_step` on.

    The last batch of an epoch is shorter where batch_size does not divide the number of sequences. A run that stops
    after step k and goes on with first_step=k sees what an uninterrupted one sees.
    """
    steps = steps_per_epoch(len(indices), batch_size)
    first_epoch, skipped = divmod(first_step, steps)
    for epoch in itertools.count(first_epoch):
        order = epoch_order(indices, seed, epoch)
        for start in range(skipped * batch_size, len(order), batch_size):
            yield order[start : start + batch_size]
        skipped = 0
