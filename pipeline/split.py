"""Which sequences are trained on, and which are validated on."""

import numpy as np

from command_line.user_error import UserError

SPLITS = ("video", "random", "tail")
SMALLEST_VALIDATION = 100
DEFAULT_SHARE = 0.1


def split_sequences(videos, kind, validation_sequences, seed):
    """Splits N sequences in two, neither empty.

    videos: int (N,), the video of each sequence. kind: "video" keeps whole videos on one side, so that validation is
    on people who were not trained on, and validates on at least as many sequences as asked for; "random" and "tail"
    (the last ones) validate on exactly that many. validation_sequences: how many; None for a tenth, at least 100.
    Returns two sorted int64 arrays of sequence numbers, training and validation. Raises UserError where a side would
    be empty.
    """
    number = len(videos)
    wanted = (
        max(SMALLEST_VALIDATION, round(DEFAULT_SHARE * number))
        if validation_sequences is None
        else validation_sequences
    )
    if wanted < 1:
        raise UserError("no validation sequences left; ask for at least one with --validation-sequences")
    if wanted >= number:
        raise UserError(
            f"{wanted} validation sequences of {number} leave none to train on; lower --validation-sequences"
        )
    generator = np.random.default_rng(seed)
    if kind == "tail":
        is_validation = np.arange(number) >= number - wanted
    elif kind == "random":
        is_validation = np.zeros(number, bool)
        is_validation[generator.permutation(number)[:wanted]] = True
    else:
        is_validation = np.isin(videos, _whole_videos(videos, wanted, generator))
    return np.flatnonzero(~is_validation), np.flatnonzero(is_validation)


def _whole_videos(videos, wanted, generator):
    """Videos drawn one after the other until they hold the number of sequences wanted."""
    numbers, sizes = np.unique(videos, return_counts=True)
    order = generator.permutation(len(numbers))
    count = int(np.searchsorted(np.cumsum(sizes[order]), wanted)) + 1
    if count >= len(numbers):
        raise UserError(
            f"{wanted} validation sequences need all of the {len(numbers)} videos, which leaves none to train on; "
            "lower --validation-sequences or choose --validation-split random"
        )
    return numbers[order[:count]]
