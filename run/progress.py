"""The progress of training: an estimate of the command's total duration, and a progress bar in a terminal."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from tqdm import tqdm

from model.training.steps import Steps
from run.schedule import evaluations_left
from run.settings import Settings

MEASURED_SEQUENCES = 32
# For a limit in steps. The first steps take longer than the others.
MEASURED_STEPS = 10
SECONDS_UP_TO = 120


@dataclass(frozen=True)
class RunDuration:
    """What a run takes besides its training steps, in seconds."""

    start: float  # until training starts
    evaluation: float  # of the sequences that are scored during training, once
    end: float  # final evaluation, plots and report


def measured_duration(
    score: Callable[[np.ndarray], Any],
    monitored: np.ndarray,
    validation: np.ndarray,
    began: float,
    building_began: float,
) -> RunDuration:
    """Estimates a RunDuration by timing a small part of the work.

    score: evaluates sequences, int (B,). monitored: the sequences that are scored during training, int (M,).
    validation: all validation sequences, int (N,). began, building_began: values of time.perf_counter() when the
    command started and when it started to build the graphs.
    """
    # The plots and the report take about as long as the graphs.
    drawing = time.perf_counter() - building_began
    evaluation = _seconds_per_sequence(score, monitored) * len(monitored)
    final_evaluation = _seconds_per_sequence(score, validation) * len(validation)
    return RunDuration(time.perf_counter() - began, evaluation, drawing + final_evaluation)


def _seconds_per_sequence(score: Callable[[np.ndarray], Any], indices: np.ndarray) -> float:
    few = indices[:MEASURED_SEQUENCES]
    # TensorFlow prepares a graph when it first runs it.
    score(few[:1])
    began = time.perf_counter()
    score(few)
    return (time.perf_counter() - began) / len(few)


def training_seconds_left(seconds: float, step: int, done: float, time_limit: float | None) -> float | None:
    """The duration of the remaining steps, or None while it is unknown.

    seconds, step: of training so far. done: the fraction of the run that is done, 0 to 1. time_limit: seconds, or None.
    """
    if step >= MEASURED_STEPS and done > 0:
        return seconds / done * (1 - done)
    return None if time_limit is None else max(0.0, time_limit - seconds)


def in_words(seconds: float) -> str:
    """Whole seconds up to two minutes, whole minutes beyond."""
    return f"{seconds:.0f} s" if seconds < SECONDS_UP_TO else f"{seconds / 60:.0f} min"


class Progress:
    """Prints the estimated duration once, as soon as it is known, and updates a progress bar."""

    def __init__(self, settings: Settings, duration: RunDuration, first_seconds: float, bar: tqdm) -> None:
        self._settings = settings
        self._duration = duration
        self._first_seconds = first_seconds
        self._bar = bar
        self._is_printed = False

    def show(self, steps: Steps, done: float, loss: float) -> None:
        """To be called after each step. done: the fraction of the run that is done. loss: of the step, px²."""
        training = training_seconds_left(steps.seconds, steps.number, done, self._settings.time_limit)
        # Workers of a cluster learn the duration of a step with the next step.
        if training is None or steps.seconds <= 0 or (self._is_printed and self._bar.disable):
            return
        evaluations = evaluations_left(done, self._settings.evaluations) * self._duration.evaluation
        left = training + evaluations + self._duration.end
        if not self._is_printed:
            self._is_printed, taken = True, steps.seconds - self._first_seconds
            total = in_words(self._duration.start + taken + left)
            parts = f"{in_words(taken + training)} of training and {in_words(evaluations)} of evaluations"
            tqdm.write(f"duration:       about {total}, with {parts}")
        speed = steps.number * self._settings.batch_size / steps.seconds
        text = f"{in_words(left)} left, loss {loss:.2f} px², {speed:.0f} sequences/s"
        self._bar.set_postfix_str(text, refresh=False)
        self._bar.update(done - self._bar.n)


@contextlib.contextmanager
def shown_progress(settings: Settings, duration: RunDuration, first_seconds: float, done: float) -> Iterator[Progress]:
    """A Progress, whose bar is visible only if standard error is a terminal.

    first_seconds: of training before this command. done: the fraction of the run that is done, 0 to 1.
    """
    bar_format = "training {percentage:3.0f} %|{bar}|{postfix}"
    with tqdm(total=1.0, initial=done, bar_format=bar_format, leave=False, disable=None) as bar:
        yield Progress(settings, duration, first_seconds, bar)
