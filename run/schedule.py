"""When a run evaluates, as a share of the run: the schedule fits itself to a limit in seconds or in steps."""

import math


def next_evaluation(done: float, evaluations: int) -> float:
    """The share of the run at which to evaluate next: closer together at the start, where the loss falls fastest.

    done: the share that is done, 0 to 1. evaluations: how many there are in a run.
    """
    number = math.floor((done + 1e-9) ** (2 / 3) * evaluations) + 1
    return min(1.0, (number / evaluations) ** 1.5)


def evaluations_left(done: float, evaluations: int) -> float:
    """About how many evaluations are still to come; not a whole number."""
    return evaluations * (1 - done ** (2 / 3))
