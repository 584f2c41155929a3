"""The learning rate over a run: up from zero in its first part, then down to zero along a cosine.

The schedule knows only how much of the run is done, from 0 to 1, so it fits itself to a limit in seconds or in steps.
Cosine: Loshchilov & Hutter, *SGDR: Stochastic Gradient Descent with Warm Restarts*, ICLR 2017.
"""

import math

WARM_UP = 0.01


def learning_rate(peak, progress):
    """The rate, a float, at this share of the run, 0 to 1; `peak` is the highest rate, reached at 0.01 of the run."""
    warm_up = min(1.0, progress / WARM_UP + 0.01)
    return peak * warm_up * 0.5 * (1 + math.cos(math.pi * min(1.0, progress)))


def share_done(seconds, step, time_limit, total_steps):
    """How much of a run is done, 0 to 1, by whichever limit comes first; a limit that is None does not count."""
    by_time = seconds / time_limit if time_limit else 0.0
    by_steps = step / total_steps if total_steps else 0.0
    return min(1.0, max(by_time, by_steps))
