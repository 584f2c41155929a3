"""Joint positions in a video of any length, from a model that sees ten frames at once.

more_itertools.windowed was considered: it yields one window at a time. Here windows come in blocks, so that a
PosePredictor computes each frame of a block once, and not again for each window that holds it.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator

import numpy as np

from evaluation.confidence import Positions, add_windows, empty_sums, positions_of
from model.predictor import PosePredictor
from pipeline.sequence_shape import FRAMES_PER_SEQUENCE
from video.shots import runs

WINDOWS_PER_BLOCK = 128
OVERLAP = FRAMES_PER_SEQUENCE - 1


def positions_in_shots(predictor: PosePredictor, frames: Iterable[tuple[np.ndarray, bool]]) -> Iterator[Positions]:
    """Yields the joint positions in each of `frames`, in order; no window holds frames of two shots.

    frames: each with whether a shot begins with it. Each shot is predicted as positions_in_video predicts a video.
    """
    for shot in runs(frames, lambda pair: pair[1]):
        yield from positions_in_video(predictor, (frame for frame, _ in shot))


def positions_in_video(predictor: PosePredictor, frames: Iterable[np.ndarray]) -> Iterator[Positions]:
    """Yields the joint positions in each of `frames`, in order.

    frames: uint8 (64, 64, 3) each. The windows are all runs of ten consecutive frames: ten hold a frame, and fewer near
    both ends. If there are fewer than ten frames, the last one is repeated. No more than 265 frames are in memory at a
    time.
    """
    frames = iter(frames)
    given = list(itertools.islice(frames, OVERLAP + WINDOWS_PER_BLOCK))
    if not given:
        return
    block = np.stack(given + given[-1:] * (FRAMES_PER_SEQUENCE - len(given)))
    padding = len(block) - len(given)
    sums = empty_sums(len(block))
    while True:
        rows = np.lib.stride_tricks.sliding_window_view(np.arange(len(block)), FRAMES_PER_SEQUENCE)
        add_windows(sums, rows, predictor.predict_block(block, rows))
        following = list(itertools.islice(frames, WINDOWS_PER_BLOCK))
        # The next block's windows hold the last nine frames too.
        done = len(rows) if following else len(block) - padding
        yield from map(positions_of, sums[:done])
        if not following:
            return
        sums = np.concatenate([sums[done:], empty_sums(len(following))])
        block = np.concatenate([block[done:], following])
