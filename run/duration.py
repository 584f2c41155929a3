"""How long a training command takes as a whole: its steps, its evaluations, and what comes before and after them."""

import time
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

MEASURED_SEQUENCES = 32
# Of a run whose end is a number of steps. The first ones take longer than the others.
MEASURED_STEPS = 10
SECONDS_UP_TO = 120


class RunDuration(NamedTuple):
    """What a run takes beside its training steps, in seconds.

    start: until it trains. evaluation: of the watched sequences, one time. end: the final evaluation, plots, report.
    """

    start: float
    evaluation: float
    end: float


def measured_duration(
    score: Callable[[np.ndarray], Any], watched: np.ndarray, validation: np.ndarray, began: float, building_began: float
) -> RunDuration:
    """A RunDuration, by timing some of what will be done.

    score: a function that evaluates sequences, int (B,). watched, validation: int arrays of sequences. began,
    building_began: what time.perf_counter() said when the command began, and when it began to build the graphs.
    """
    # The plots and the report take about as long as the graphs.
    drawing = time.perf_counter() - building_began
    evaluation = _seconds_a_sequence(score, watched) * len(watched)
    final_evaluation = _seconds_a_sequence(score, validation) * len(validation)
    return RunDuration(time.perf_counter() - began, evaluation, drawing + final_evaluation)


def _seconds_a_sequence(score: Callable[[np.ndarray], Any], indices: np.ndarray) -> float:
    few = indices[:MEASURED_SEQUENCES]
    # TensorFlow prepares a graph as it first runs it.
    score(few[:1])
    began = time.perf_counter()
    score(few)
    return (time.perf_counter() - began) / len(few)


def training_seconds_left(seconds: float, step: int, done: float, time_limit: float | None) -> float | None:
    """How long the remaining steps take, or None as long as that is not known.

    seconds, step: of training so far. done: the share of the run that is done, 0 to 1. time_limit: seconds, or None.
    """
    if step >= MEASURED_STEPS and done > 0:
        return seconds / done * (1 - done)
    return None if time_limit is None else max(0.0, time_limit - seconds)


def in_words(seconds: float) -> str:
    """Whole seconds up to two minutes, whole minutes beyond."""
    return f"{seconds:.0f} s" if seconds < SECONDS_UP_TO else f"{seconds / 60:.0f} min"
