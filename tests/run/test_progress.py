import numpy as np
import pytest

from run.progress import MEASURED_SEQUENCES, in_words, measured_duration, training_seconds_left


class Clock:
    """Replaces time.perf_counter: it advances only while `score` runs, by one second per sequence."""

    def __init__(self):
        self.now, self.scored = 100.0, []

    def score(self, indices):
        self.scored.append(len(indices))
        self.now += len(indices)


@pytest.mark.parametrize("monitored, validation", [(3, 5), (MEASURED_SEQUENCES, 1000)])
def test_evaluation_time_is_proportional_to_the_sequences(monitored, validation, monkeypatch):
    clock = Clock()
    monkeypatch.setattr("run.progress.time.perf_counter", lambda: clock.now)
    duration = measured_duration(
        clock.score, np.arange(monitored), np.arange(validation), began=90.0, building_began=97.0
    )
    assert max(clock.scored) <= MEASURED_SEQUENCES and sum(clock.scored) <= 2 + monitored + min(
        validation, MEASURED_SEQUENCES
    )
    assert (duration.evaluation, duration.start) == (monitored, 10 + sum(clock.scored))
    assert duration.end == 3 + validation


@pytest.mark.parametrize(
    "seconds, step, done, time_limit, expected",
    [
        (0.0, 0, 0.0, 60.0, 60.0),
        (6.0, 2, 0.1, 60.0, 54.0),
        (75.0, 2, 1.0, 60.0, 0.0),
        (0.0, 0, 0.0, None, None),
        (3.0, 2, 0.1, None, None),
        (30.0, 20, 0.25, None, 90.0),
        (30.0, 20, 0.25, 1000.0, 90.0),
        (30.0, 20, 1.0, None, 0.0),
    ],
)
def test_time_left_follows_from_the_time_limit_or_the_steps(seconds, step, done, time_limit, expected):
    assert training_seconds_left(seconds, step, done, time_limit) == (expected and pytest.approx(expected))


@pytest.mark.parametrize("seconds, text", [(0.4, "0 s"), (119.4, "119 s"), (120, "2 min"), (959, "16 min")])
def test_long_times_are_shown_in_minutes(seconds, text):
    assert in_words(seconds) == text
