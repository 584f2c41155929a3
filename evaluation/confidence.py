"""How far a position may be trusted, from how far the windows that see the frame disagree.

The mirrored picture was considered: on people never seen its positions tell as much of a joint (rank correlation with
the error 0.44, that of the windows 0.45) and more of a frame (0.59 and 0.50), but a model's output is
the average over both pictures, so that it would have to be computed once more.
"""

from __future__ import annotations

import numpy as np

# A logistic curve of the logarithm of the spread, fitted to the ten people of YouTube Pose that a model had not seen:
# the share of positions that are this close to the true ones. `python -m bench.own_video` measures how it fits others.
WITHIN = 5  # pixels of the 64×64 frame
HALFWAY = 1.21  # pixels
STEEPNESS = 1.43

# Below it, one position in two is off by more than 5 of the frame's 64 pixels.
LOW = 0.5


def confidence_of(spread: np.ndarray) -> np.ndarray:
    """Of each joint, from 0 to 1, for the windows' standard deviation in the frame's pixels; NaN where that is NaN."""
    with np.errstate(over="ignore"):  # of models that yield enormous numbers
        return np.float32(1) / (1 + (spread / np.float32(HALFWAY)) ** np.float32(STEEPNESS))
