"""Joint positions in a video of any length, from a model that sees ten frames at once.

more_itertools.windowed was considered: it yields one window at a time. Here windows come in blocks, so that a
PosePredictor computes each frame of a block once, and not again for each window that holds it.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator

import numpy as np

from model.predictor import PosePredictor
from pipeline.joints import JOINT_NAMES
from pipeline.sequence_shape import FRAMES_PER_SEQUENCE

WINDOWS_PER_BLOCK = 128
OVERLAP = FRAMES_PER_SEQUENCE - 1


def positions_in_video(predictor: PosePredictor, frames: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
    """Yields the joint positions in each of `frames`, in order: float32 (7, 2), x and y in pixels.

    frames: uint8 (64, 64, 3) each. The windows are all runs of ten consecutive frames. A frame's positions are the mean
    over the windows that hold it: ten, and fewer near both ends. If there are fewer than ten frames, the last one is
    repeated. No more than 265 frames are in memory at a time.
    """
    frames = iter(frames)
    given = list(itertools.islice(frames, OVERLAP + WINDOWS_PER_BLOCK))
    if not given:
        return
    block = np.stack(given + given[-1:] * (FRAMES_PER_SEQUENCE - len(given)))
    padding = len(block) - len(given)
    sums, counts = _zeros(len(block))
    while True:
        rows = np.lib.stride_tricks.sliding_window_view(np.arange(len(block)), FRAMES_PER_SEQUENCE)
        np.add.at(sums, rows, predictor.predict_block(block, rows))
        np.add.at(counts, rows, 1)
        following = list(itertools.islice(frames, WINDOWS_PER_BLOCK))
        # The next block's windows hold the last nine frames too.
        done = len(rows) if following else len(block) - padding
        yield from (sums[:done] / counts[:done]).astype(np.float32)
        if not following:
            return
        new_sums, new_counts = _zeros(len(following))
        sums, counts = np.concatenate([sums[done:], new_sums]), np.concatenate([counts[done:], new_counts])
        block = np.concatenate([block[done:], following])


def _zeros(length: int) -> tuple[np.ndarray, np.ndarray]:
    """Sums of positions, (length, 7, 2), and how many positions were added, (length, 1, 1)."""
    return np.zeros((length, len(JOINT_NAMES), 2)), np.zeros((length, 1, 1))
