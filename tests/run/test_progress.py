import io

import numpy as np
import pytest
from tqdm import tqdm

from run.progress import (
    DRAWING,
    FIRST_STEPS,
    MEASURED_SEQUENCES,
    Progress,
    RunDuration,
    StepRate,
    in_words,
    measured_duration,
    training_seconds_left,
)
from run.settings import complete_settings


class Clock:
    """Replaces time.perf_counter: it advances only when it is told to. `score` takes one second per sequence."""

    def __init__(self):
        self.now, self.scored = 100.0, []

    def score(self, indices):
        self.scored.append(len(indices))
        self.now += len(indices)


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr("run.progress.time.perf_counter", lambda: clock.now)
    return clock


@pytest.mark.parametrize("monitored, validation", [(3, 5), (MEASURED_SEQUENCES, 1000)])
def test_evaluation_time_is_proportional_to_the_sequences(monitored, validation, clock, monkeypatch):
    monkeypatch.setattr("run.progress.time.process_time", lambda: 4.0)
    duration = measured_duration(clock.score, np.arange(monitored), np.arange(validation))
    assert max(clock.scored) <= MEASURED_SEQUENCES and sum(clock.scored) <= 2 + monitored + min(
        validation, MEASURED_SEQUENCES
    )
    assert (duration.evaluation, duration.end) == (monitored, 4 * DRAWING + validation)


@pytest.mark.parametrize(
    "seconds_left, steps_left, seconds_per_step, expected",
    [
        (60.0, None, None, 60.0),
        (-1.0, None, 0.5, 0.0),
        (None, 90, None, None),
        (None, 90, 0.5, 45.0),
        (60.0, 90, None, None),
        (60.0, 90, 0.5, 45.0),
        (30.0, 90, 0.5, 30.0),
    ],
)
def test_time_left_is_that_to_the_first_limit(seconds_left, steps_left, seconds_per_step, expected):
    assert training_seconds_left(seconds_left, steps_left, seconds_per_step) == expected


@pytest.mark.parametrize("first_step", [0, 700])
def test_the_first_slow_steps_do_not_count(first_step):
    rate = StepRate(first_step, 50.0)
    seconds = 50.0
    for step in range(1, 200):
        seconds += 9.0 if step <= 8 else 0.25
        rate.add(first_step + step, seconds)
        assert rate.seconds_per_step() == (0.25 if step >= FIRST_STEPS else None)


def test_the_duration_of_a_step_follows_a_change_of_speed():
    rate, seconds = StepRate(0, 0.0), 0.0
    for step in range(1, 401):
        seconds += 1.0 if step <= 100 else 3.0
        rate.add(step, seconds)
    assert rate.seconds_per_step() == 3.0


@pytest.mark.parametrize("seconds, text", [(0.4, "0 s"), (299.4, "299 s"), (300, "5 min"), (959, "16 min")])
def test_long_times_are_shown_in_minutes(seconds, text):
    assert in_words(seconds) == text


class MadeSteps:
    """Stands for Steps: a step takes some seconds of the clock."""

    def __init__(self, clock):
        self.clock, self.number, self.seconds = clock, 0, 0.0

    def take(self, seconds):
        self.clock.now += seconds
        self.number += 1
        self.seconds += seconds


@pytest.fixture
def printed_by(clock, capfd):
    """Takes 400 steps with 20 evaluations, evenly spaced; returns the printed lines and the whole duration.

    step_seconds: of a step with that number. The command started 10 s before its first step, an evaluation takes 3 s
    although 1 s was measured, and the end takes 8 s.
    """

    def run(step_seconds, **limit):
        settings = complete_settings({"data": "people.h5", "evaluations": 20, **limit})
        steps, began = MadeSteps(clock), clock.now - 10
        total_steps = 400 if settings.epochs else None
        bar = tqdm(disable=True, file=io.StringIO())
        progress = Progress(settings, total_steps, RunDuration(evaluation=1.0, end=8.0), steps, began, bar)
        printed = []
        for number in range(1, 401):
            steps.take(step_seconds(number))
            progress.show(steps, number / 400, loss=1.0)
            if number % 20 == 0:
                clock.now += 3
                progress.evaluated(steps, number / 400)
            printed += [(number, line) for line in capfd.readouterr().out.splitlines()]
        return printed, clock.now + 8 - began

    return run


def estimate(line):
    number, unit = line.split("about ")[1].split(",")[0].split()
    return float(number) * {"s": 1, "min": 60}[unit]


def test_a_limit_in_seconds_is_known_at_once(printed_by):
    [(first, line), *others], total = printed_by(lambda number: 2.0, time_limit=800.0)
    assert first == 1 and line == "duration:       about 14 min, with 13 min of training"
    assert abs(estimate(line) - total) < 0.1 * total and others == []


def test_a_limit_in_steps_is_estimated_at_the_first_evaluation(printed_by):
    printed, total = printed_by(lambda number: 9.0 if number == 1 else 0.1, epochs=1)
    assert printed[0][0] == 20 and "of training" in printed[0][1]
    assert all(abs(estimate(line) - total) < 0.2 * total for _, line in printed)


def test_a_changed_estimate_is_printed_again(printed_by):
    printed, total = printed_by(lambda number: 0.5 if number <= 100 else 1.5, epochs=1)
    assert [line.startswith("duration:       now about ") for _, line in printed] == [False] + [True] * (
        len(printed) - 1
    )
    assert 2 <= len(printed) <= 6 and abs(estimate(printed[-1][1]) - total) < 0.1 * total
