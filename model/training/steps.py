"""Training steps, taken by one worker alone or by all workers of a cluster at the same time.

All workers must agree on how long the training has taken, because the learning rate depends on it, and on whether to
stop. So with each step the chief sends its time, and each worker sends whether it was asked to stop.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from model.training.graph import TrainingGraph
from model.training.time_spent import TimeSpent
from pipeline.tensorflow_v1 import tf


class Steps:
    """Takes the steps of a TrainingGraph in a session, whether or not they are shared with other workers.

    number: steps taken so far. seconds: of training so far; with several workers, the chief's before the last step.
    spent: where the time of this command went; others add evaluations to it. All workers get the values of the chief's
    variables first.
    """

    def __init__(
        self, training: TrainingGraph, session: tf.Session, is_chief: bool, is_stop_requested: Callable[[], bool]
    ) -> None:
        self._is_chief = is_chief
        self._is_stop_requested = is_stop_requested
        self._stops = False
        agreement = training.agreement
        self._is_alone = agreement.is_alone
        session.run(agreement.copy_variables)
        self._run = session.make_callable(
            [training.loss, agreement.received, training.waited, training.train_step],
            [training.learning_rate, agreement.sent],
        )
        self.number = int(session.run(training.global_step))
        self.seconds = float(session.run(training.progress["training_seconds"]))
        self._clock = self.seconds
        self.spent = TimeSpent()

    def is_stopping(self) -> bool:
        """Whether training should stop; with several workers, what all of them learned with the last step."""
        return self._is_stop_requested() if self._is_alone else self._stops

    def take(self, learning_rate: float) -> float:
        """Takes one step; returns its loss, px²."""
        began = time.perf_counter()
        loss, received, waited, _ = self._run(learning_rate, self._message())
        seconds = time.perf_counter() - began
        self.spent.add_step(seconds, float(waited))
        self._clock += seconds
        self.number += 1
        stops, whole, rest = received.tolist()
        self._stops = stops > 0
        self.seconds = self._clock if self._is_alone else whole + rest
        return float(loss)

    def _message(self) -> np.ndarray:
        """The request to stop, and the seconds as two numbers of 24 bits each; all but the chief send zeros."""
        whole = np.float32(self._clock)
        seconds = (whole, self._clock - float(whole)) if self._is_chief else (0, 0)
        return np.array([self._is_stop_requested(), *seconds], np.float32)
