"""Joint positions in a video of any length, from a model that sees ten frames at once."""

import itertools

import numpy as np

from pipeline.joints import JOINT_NAMES
from pipeline.sequence_shape import FRAMES_PER_SEQUENCE

WINDOWS_PER_BLOCK = 128
OVERLAP = FRAMES_PER_SEQUENCE - 1


def joint_positions(predictor, frames):
    """Yields a float32 (7, 2), x and y in pixels, for each of `frames`, an iterable of uint8 (64, 64, 3), in order.

    The model sees every ten consecutive frames once, and a frame's positions are the mean of those from the windows
    that hold it: ten of them, but fewer near both ends. Of under ten frames the last is repeated. No more than 265
    frames are held at a time.
    """
    frames = iter(frames)
    block = list(itertools.islice(frames, OVERLAP + WINDOWS_PER_BLOCK))
    if not block:
        return
    given = len(block)
    block = np.stack(block + block[-1:] * (FRAMES_PER_SEQUENCE - given))
    sums, counts = _zeros(len(block))
    while True:
        windows = np.arange(len(block) - OVERLAP)[:, np.newaxis] + np.arange(FRAMES_PER_SEQUENCE)
        np.add.at(sums, windows, predictor.predict_block(block, windows))
        np.add.at(counts, windows, 1)
        following = list(itertools.islice(frames, WINDOWS_PER_BLOCK))
        # Later windows hold the last nine too.
        done = len(windows) if following else min(given, len(block))
        yield from (sums[:done] / counts[:done]).astype(np.float32)
        if not following:
            return
        new_sums, new_counts = _zeros(len(following))
        sums, counts = np.concatenate([sums[done:], new_sums]), np.concatenate([counts[done:], new_counts])
        block = np.concatenate([block[done:], following])
        given += len(following)


def _zeros(length):
    return np.zeros((length, len(JOINT_NAMES), 2)), np.zeros((length, 1, 1))
