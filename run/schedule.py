"""The schedule of a run: learning rate and evaluations as functions of the fraction of the run that is done.

So the schedule fits a limit in seconds as well as one in steps. tf.train.cosine_decay was considered: it needs the
number of steps, which is unknown if the limit is in seconds.
"""

from __future__ import annotations

import math

WARM_UP = 0.01


def fraction_done(seconds: float, step: int, time_limit: float | None, total_steps: int | None) -> float:
    """The fraction of a run that is done, 0 to 1, by the limit that is reached first; None means no limit."""
    by_time = seconds / time_limit if time_limit else 0.0
    by_steps = step / total_steps if total_steps else 0.0
    return min(1.0, max(by_time, by_steps))


def learning_rate(peak: float, done: float) -> float:
    """The learning rate at a fraction of the run, 0 to 1: a linear warm-up to `peak`, then cosine decay to zero.

    Loshchilov & Hutter, *SGDR: Stochastic Gradient Descent with Warm Restarts*, ICLR 2017.
    """
    warm_up = min(1.0, done / WARM_UP + 0.01)
    return peak * warm_up * 0.5 * (1 + math.cos(math.pi * min(1.0, done)))


def next_evaluation(done: float, evaluations: int) -> float:
    """The fraction of the run at which to evaluate next: more often at the start, where the loss falls fastest.

    done: the fraction that is done, 0 to 1. evaluations: their number in the whole run.
    """
    number = math.floor((done + 1e-9) ** (2 / 3) * evaluations) + 1
    return min(1.0, (number / evaluations) ** 1.5)


def evaluations_left(done: float, evaluations: int) -> float:
    """The approximate number of evaluations still to come, not a whole number."""
    return evaluations * (1 - done ** (2 / 3))
