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

# Enough for whole blocks of evaluation.evaluation_blocks, because sequences that share frames take less time together.
MEASURED_SEQUENCES = 256
FIRST_STEPS = 16
# The duration of loading the exported model and drawing plots and report, relative to the processor time of the start.
DRAWING = 1.5
SECONDS_UP_TO = 300
# A new estimate is printed if it differs by more than this share from the last printed one.
LARGEST_CHANGE = 0.1


@dataclass(frozen=True)
class RunDuration:
    """What a run takes besides its training steps, in seconds."""

    evaluation: float  # of the sequences that are scored during training, once
    end: float  # final evaluation, plots and report


def measured_duration(score: Callable[[np.ndarray], Any], monitored: np.ndarray, validation: np.ndarray) -> RunDuration:
    """Estimates a RunDuration by timing a small part of the work. To be called just before training starts.

    score: evaluates sequences, int (B,). monitored: the sequences that are scored during training, int (M,).
    validation: all validation sequences, int (N,), those of a video together.
    """
    # Most of the start is importing and building, whose duration depends on the machine like that of drawing.
    drawing = DRAWING * time.process_time()
    evaluation = _seconds_per_sequence(score, monitored) * len(monitored)
    final_evaluation = _seconds_per_sequence(score, validation) * len(validation)
    return RunDuration(evaluation, drawing + final_evaluation)


def _seconds_per_sequence(score: Callable[[np.ndarray], Any], indices: np.ndarray) -> float:
    few = indices[:MEASURED_SEQUENCES]
    # TensorFlow prepares a graph when it first runs it.
    score(few[:1])
    began = time.perf_counter()
    score(few)
    return (time.perf_counter() - began) / len(few)


class StepRate:
    """The duration of a training step, measured on the last half or more of the steps. The first ones are slow.

    step, seconds: of training when the command started.
    """

    def __init__(self, step: int, seconds: float) -> None:
        self._first_step = step
        self._measured_from = self._last_mark = self._now = (step, seconds)

    def add(self, step: int, seconds: float) -> None:
        """To be called with the numbers of steps and of seconds of training so far."""
        self._now, taken = (step, seconds), step - self._first_step
        if taken & (taken - 1) == 0:  # a power of two
            self._measured_from, self._last_mark = self._last_mark, self._now

    def seconds_per_step(self) -> float | None:
        """None before FIRST_STEPS steps were taken."""
        if self._now[0] - self._first_step < FIRST_STEPS:
            return None
        steps, seconds = (now - before for now, before in zip(self._now, self._measured_from, strict=True))
        return seconds / steps


def training_seconds_left(
    seconds_left: float | None, steps_left: int | None, seconds_per_step: float | None
) -> float | None:
    """The duration of the remaining steps up to the limit that is reached first, or None while it is unknown.

    seconds_left, steps_left: up to both limits, None without such a limit; one of them is given.
    """
    limits = [] if seconds_left is None else [max(0.0, seconds_left)]
    if steps_left is not None:
        if seconds_per_step is None:
            return None
        limits.append(steps_left * seconds_per_step)
    return min(limits)


def in_words(seconds: float) -> str:
    """Whole seconds up to five minutes, whole minutes beyond."""
    return f"{seconds:.0f} s" if seconds < SECONDS_UP_TO else f"{seconds / 60:.0f} min"


class Progress:
    """Prints the estimated duration of the command, again whenever it has changed, and updates a progress bar.

    total_steps: the limit in steps, or None. began: the value of time.perf_counter() when the command started.
    """

    def __init__(
        self, settings: Settings, total_steps: int | None, duration: RunDuration, steps: Steps, began: float, bar: tqdm
    ) -> None:
        self._settings = settings
        self._total_steps = total_steps
        self._duration = duration
        self._began = began
        self._bar = bar
        self._first_seconds = steps.seconds
        self._rate = StepRate(steps.number, steps.seconds)
        self._step_ended = 0.0
        self._evaluations: list[float] = []  # the seconds that each took
        self._printed: float | None = None  # the last printed estimate in seconds

    def show(self, steps: Steps, done: float, loss: float) -> None:
        """To be called after each step. done: the fraction of the run that is done. loss: of the step, px²."""
        self._rate.add(steps.number, steps.seconds)
        # A limit in seconds tells at once how long training takes; a limit in steps needs some measured steps.
        if self._printed is None and self._total_steps is None:
            self._print(steps, done)
        # Workers of a cluster learn the duration of a step with the next step.
        if not self._bar.disable and steps.seconds > 0:
            left = self._seconds_left(steps, done)
            speed = steps.number * self._settings.batch_size / steps.seconds
            time_left = "" if left is None else f"{in_words(left)} left, "
            waiting = f"waiting for data {100 * steps.spent.waiting_share:.0f} %"
            text = f"{time_left}loss {loss:.2f} px², {speed:.0f} sequences/s, {waiting}"
            self._bar.set_postfix_str(text, refresh=False)
            self._bar.update(done - self._bar.n)
        self._step_ended = time.perf_counter()

    def evaluated(self, steps: Steps, done: float) -> None:
        """To be called after each evaluation, which follows a step."""
        self._evaluations.append(time.perf_counter() - self._step_ended)
        self._print(steps, done)

    def _print(self, steps: Steps, done: float) -> None:
        """Prints the estimate if it has changed."""
        training, left = self._training_left(steps), self._seconds_left(steps, done)
        if training is None or left is None:
            return
        total = time.perf_counter() - self._began + left
        if self._printed is None:
            of_training = in_words(steps.seconds - self._first_seconds + training)
            tqdm.write(f"duration:       about {in_words(total)}, with {of_training} of training")
        elif abs(total - self._printed) > LARGEST_CHANGE * self._printed:
            tqdm.write(f"duration:       now about {in_words(total)}")
        else:
            return
        self._printed = total

    def _training_left(self, steps: Steps) -> float | None:
        limit, total = self._settings.time_limit, self._total_steps
        return training_seconds_left(
            None if limit is None else limit - steps.seconds,
            None if total is None else total - steps.number,
            self._rate.seconds_per_step(),
        )

    def _seconds_left(self, steps: Steps, done: float) -> float | None:
        """Until the end of the command, or None while it is unknown."""
        training = self._training_left(steps)
        if training is None:
            return None
        evaluation = float(np.mean(self._evaluations)) if self._evaluations else self._duration.evaluation
        return training + evaluations_left(done, self._settings.evaluations) * evaluation + self._duration.end


@contextlib.contextmanager
def shown_progress(
    settings: Settings, total_steps: int | None, duration: RunDuration, steps: Steps, began: float, done: float
) -> Iterator[Progress]:
    """A Progress, whose bar is visible only if standard error is a terminal.

    steps: of the run, before the first step of this command. done: the fraction of the run that is done, 0 to 1.
    """
    bar_format = "{percentage:3.0f} %|{bar}|{postfix}"
    with tqdm(total=1.0, initial=done, bar_format=bar_format, leave=False, disable=None) as bar:
        yield Progress(settings, total_steps, duration, steps, began, bar)
