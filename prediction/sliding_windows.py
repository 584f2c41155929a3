"""Joint positions in a video of any length, from a model that sees ten frames at once.

more_itertools.windowed was considered: it yields one window at a time. Here windows come in blocks, so that a
PosePredictor computes each frame of a block once, and not again for each window that holds it.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np

from model.predictor import PosePredictor
from pipeline.joints import JOINT_NAMES
from pipeline.sequence_shape import FRAMES_PER_SEQUENCE
from prediction.shots import runs

WINDOWS_PER_BLOCK = 128
OVERLAP = FRAMES_PER_SEQUENCE - 1


class Positions(NamedTuple):
    """The mean over the windows that hold a frame, and how far they disagree.

    joints: float32 (7, 2), x and y in pixels. spread: float32 (7,), the standard deviation of the windows' positions in
    pixels, of both axes together; NaN of a single window, which is all that holds the first frame and the last.
    """

    joints: np.ndarray
    spread: np.ndarray


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
    sums = _zeros(len(block))
    while True:
        rows = np.lib.stride_tricks.sliding_window_view(np.arange(len(block)), FRAMES_PER_SEQUENCE)
        positions = predictor.predict_block(block, rows).astype(np.float64)
        squares = np.square(positions).sum(axis=-1, keepdims=True)
        ones = np.ones_like(squares)
        np.add.at(sums, rows, np.concatenate([positions, squares, ones], axis=-1))
        following = list(itertools.islice(frames, WINDOWS_PER_BLOCK))
        # The next block's windows hold the last nine frames too.
        done = len(rows) if following else len(block) - padding
        yield from map(_positions, sums[:done])
        if not following:
            return
        sums = np.concatenate([sums[done:], _zeros(len(following))])
        block = np.concatenate([block[done:], following])


def _zeros(length: int) -> np.ndarray:
    """Of each frame and joint the sums of x, of y and of their squares, and of how many: float64 (length, 7, 4)."""
    return np.zeros((length, len(JOINT_NAMES), 4))


def _positions(sums: np.ndarray) -> Positions:
    counts = sums[:, 3]
    means = sums[:, :2] / counts[:, np.newaxis]
    with np.errstate(invalid="ignore"):  # of models that yield infinities
        # Rounding can make it negative where all windows agree.
        squares = np.maximum(sums[:, 2] - counts * np.square(means).sum(axis=-1), 0)
    variance = np.divide(squares, counts - 1, out=np.full_like(squares, np.nan), where=counts > 1)
    return Positions(means.astype(np.float32), np.sqrt(variance).astype(np.float32))
