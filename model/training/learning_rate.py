"""The learning rate schedule: a linear warm-up, then cosine decay to zero.

The schedule depends only on the fraction of the run that is done, so it suits a limit in seconds and one in steps.
tf.train.cosine_decay was considered: it takes the number of steps, which is unknown where the limit is in seconds.
Cosine decay: Loshchilov & Hutter, *SGDR: Stochastic Gradient Descent with Warm Restarts*, ICLR 2017.
"""

from __future__ import annotations

import math

WARM_UP = 0.01


def learning_rate(peak: float, progress: float) -> float:
    """The learning rate when this fraction of the run, 0 to 1, is done. peak: the highest rate, reached at 0.01."""
    warm_up = min(1.0, progress / WARM_UP + 0.01)
    return peak * warm_up * 0.5 * (1 + math.cos(math.pi * min(1.0, progress)))


def share_done(seconds: float, step: int, time_limit: float | None, total_steps: int | None) -> float:
    """The fraction of a run that is done, 0 to 1, by whichever limit is nearer; a limit of None does not count."""
    by_time = seconds / time_limit if time_limit else 0.0
    by_steps = step / total_steps if total_steps else 0.0
    return min(1.0, max(by_time, by_steps))
