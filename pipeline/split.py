"""Splits the sequences of one or several data sets into training and validation sequences."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from support.user_error import UserError

SPLITS = ("video", "random", "tail", "none")
DEFAULT_SHARE = 0.1
SMALLEST_VALIDATION = 100
# A limit on the time of an evaluation: three times that of the course's data, which have 700 validation sequences.
LARGEST_VALIDATION = 2000


def split_sequences(
    videos: np.ndarray, kind: str, validation_sequences: int | None, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Splits N sequences into training and validation sequences, neither set empty.

    videos: int (N,), the video of each sequence. validation_sequences: their number; None for a tenth of N, but from
    100 to 2000. kind: one of SPLITS.

    * "video" keeps the sequences of a video on one side, so that validation is on people who were not trained on. It
      validates on `validation_sequences` or more.
    * "random" and "tail" (the last sequences) validate on exactly `validation_sequences`.
    * "none" trains on all sequences, and validates on those that "random" would choose.

    Returns two sorted int32 arrays of sequence numbers, training and validation. Raises UserError if a set would be
    empty.
    """
    number = len(videos)
    wanted = _wanted(validation_sequences, number)
    if wanted < 1:
        raise UserError("there are no validation sequences; set --validation-sequences to at least 1")
    if wanted >= number and kind != "none":
        raise UserError(
            f"{wanted} validation sequences of {number} leave none to train on; lower --validation-sequences"
        )
    generator = np.random.default_rng(seed)
    if kind == "tail":
        is_validation = np.arange(number) >= number - wanted
    elif kind in ("random", "none"):
        is_validation = np.zeros(number, bool)
        is_validation[generator.permutation(number)[:wanted]] = True
    else:
        is_validation = np.isin(videos, _whole_videos(videos, wanted, generator))
    is_training = np.ones(number, bool) if kind == "none" else ~is_validation
    return np.flatnonzero(is_training).astype(np.int32), np.flatnonzero(is_validation).astype(np.int32)


def split_data_sets(
    videos: Sequence[np.ndarray], kind: str, validation_sequences: int | None, seed: int
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Splits each data set by itself, as split_sequences does; the validation sequences are divided in proportion.

    videos: int (N,), the video of each sequence, of each data set. With "video", a data set of a single video is only
    trained on if others have several. Returns the positions of the training and of the validation sequences in each
    data set, sorted int32.
    """
    sizes = np.array([len(one) for one in videos])
    wanted: Sequence[int | None] = [validation_sequences]
    if len(videos) > 1:
        through = np.cumsum(sizes) * _wanted(validation_sequences, int(sizes.sum())) / sizes.sum()
        wanted = np.maximum(np.diff(through.round(), prepend=0), 1).astype(int).tolist()
    is_single = [kind == "video" and bool((one == one[0]).all()) for one in videos]
    training, validation = [], []
    for one, number, is_only_trained_on in zip(videos, wanted, is_single, strict=True):
        if is_only_trained_on and not all(is_single):
            parts = np.arange(len(one), dtype=np.int32), np.empty(0, np.int32)
        else:
            parts = split_sequences(one, kind, number, seed)
        training.append(parts[0])
        validation.append(parts[1])
    return training, validation


def _wanted(validation_sequences: int | None, number: int) -> int:
    """The number of validation sequences of `number`, given or by default."""
    if validation_sequences is not None:
        return validation_sequences
    return min(max(SMALLEST_VALIDATION, round(DEFAULT_SHARE * number)), LARGEST_VALIDATION)


def _whole_videos(videos: np.ndarray, wanted: int, generator: np.random.Generator) -> np.ndarray:
    """Videos drawn at random, without replacement, until they have at least `wanted` sequences."""
    numbers, sizes = np.unique(videos, return_counts=True)
    order = generator.permutation(len(numbers))
    count = int(np.searchsorted(np.cumsum(sizes[order]), wanted)) + 1
    if count >= len(numbers):
        raise UserError(
            f"{wanted} validation sequences need all of the {len(numbers)} videos, which leaves none to train on; "
            "lower --validation-sequences or choose --validation-split random"
        )
    return numbers[order[:count]]
