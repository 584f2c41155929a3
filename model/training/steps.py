"""Training steps, taken by one worker alone or by all workers of a cluster at the same time.

All workers have to agree on how long the training has taken, for the learning rate follows from it, and on whether it
is to stop. So the chief says the time with each step, and each worker says whether it was asked to stop.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from model.training.graph import TrainingGraph
from pipeline.tensorflow_v1 import tf


class Steps:
    """Takes the steps of a TrainingGraph in a session. is_asked_to_stop: whether this worker was.

    is_chief: of the workers that share the steps. seconds: of training so far.
    """

    def __init__(
        self,
        training: TrainingGraph,
        session: tf.Session,
        is_chief: bool,
        seconds: float,
        is_asked_to_stop: Callable[[], bool],
    ) -> None:
        self._is_chief = is_chief
        self._clock = seconds
        self._is_asked_to_stop = is_asked_to_stop
        self._training = training
        self._session = session
        self._is_shared = training.agreement is not None
        self._stops = False
        fetches, feeds = [training.loss, training.train_step], [training.learning_rate]
        if training.agreement is not None:
            fetches, feeds = [*fetches, training.agreement.heard], [*feeds, training.agreement.said]
        self._run = session.make_callable(fetches, feed_list=feeds)

    def begin(self) -> float:
        """Gives all workers the chief's variables; returns the seconds of training so far, the chief's."""
        if self._training.agreement is not None:
            self._session.run(self._training.agreement.copy_variables)
            self._clock = float(self._session.run(self._training.progress["training_seconds"]))
        return self._clock

    def is_stopping(self) -> bool:
        """Whether a worker was asked to stop; where steps are shared, what all of them learnt with the last one."""
        return self._stops if self._is_shared else self._is_asked_to_stop()

    def take(self, rate: float) -> tuple[float, float]:
        """Takes one with this learning rate; returns the loss, px², and the seconds of training so far.

        Where steps are shared, these are the chief's seconds before the step, the same on all workers.
        """
        began = time.perf_counter()
        if not self._is_shared:
            loss, _ = self._run(rate)
            self._clock += time.perf_counter() - began
            return float(loss), self._clock
        loss, _, heard = self._run(rate, self._said())
        self._clock += time.perf_counter() - began
        stops, whole, rest = heard.tolist()
        self._stops = stops > 0
        return float(loss), whole + rest

    def _said(self) -> np.ndarray:
        """The request to stop, and the seconds in two numbers of 24 bits each; only the chief's count."""
        whole = np.float32(self._clock)
        seconds = (whole, self._clock - float(whole)) if self._is_chief else (0, 0)
        return np.array([self._is_asked_to_stop(), *seconds], np.float32)
