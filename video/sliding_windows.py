"""Joint positions in a video of any length, from a model that sees ten frames at once.

Windows are predicted in blocks, so that a PosePredictor computes each frame of a block only once.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator

import numpy as np

from evaluation.confidence import Positions, add_windows, empty_sums, positions_of
from model.predictor import PosePredictor
from pipeline.sequence_shape import FRAMES_PER_SEQUENCE
from video.shots import split_before

WINDOWS_PER_BLOCK = 128
OVERLAP = FRAMES_PER_SEQUENCE - 1


def positions_in_shots(predictor: PosePredictor, frames: Iterable[tuple[np.ndarray, bool]]) -> Iterator[Positions]:
    """Yields the joint positions in each frame, in order. No window contains frames of two shots.

    frames: pairs of a frame, uint8 (64, 64, 3), and whether a shot begins with it.
    """
    for shot in split_before(frames, lambda pair: pair[1]):
        yield from positions_in_shot(predictor, (frame for frame, _ in shot))


def positions_in_shot(predictor: PosePredictor, frames: Iterable[np.ndarray]) -> Iterator[Positions]:
    """Yields the joint positions in each frame, uint8 (64, 64, 3), in order.

    The windows are all runs of ten consecutive frames; fewer than ten windows contain the frames near both ends. If
    there are fewer than ten frames, the last one is repeated. At most 265 frames are in memory at a time.
    """
    frames = iter(frames)
    first = list(itertools.islice(frames, OVERLAP + WINDOWS_PER_BLOCK))
    if not first:
        return
    padding = max(0, FRAMES_PER_SEQUENCE - len(first))
    block = np.stack(first + first[-1:] * padding)
    sums = empty_sums(len(block))
    while True:
        rows = np.lib.stride_tricks.sliding_window_view(np.arange(len(block)), FRAMES_PER_SEQUENCE)
        add_windows(sums, rows, predictor.predict_block(block, rows))
        following = list(itertools.islice(frames, WINDOWS_PER_BLOCK))
        # The next block's windows contain the last nine frames too.
        done = len(rows) if following else len(block) - padding
        yield from map(positions_of, sums[:done])
        if not following:
            return
        sums = np.concatenate([sums[done:], empty_sums(len(following))])
        block = np.concatenate([block[done:], following])
