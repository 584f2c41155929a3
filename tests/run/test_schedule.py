import math

import numpy as np
import pytest

from run.schedule import WARM_UP, fraction_done, learning_rate


def test_the_learning_rate_rises_to_its_peak_and_falls_to_zero():
    rates = [learning_rate(0.004, done) for done in np.linspace(0, 1, 2001)]
    assert 0 < rates[0] < 0.0004
    assert rates[-1] == pytest.approx(0, abs=1e-12)
    assert 0.95 * 0.004 < max(rates) <= 0.004
    highest = int(np.argmax(rates))
    assert highest / 2000 == pytest.approx(WARM_UP, abs=0.005)
    assert (np.diff(rates[: highest + 1]) > 0).all()
    assert (np.diff(rates[highest:]) < 0).all()


@pytest.mark.parametrize("done", [0.1, 0.25, 0.5, 0.9])
def test_the_learning_rate_falls_along_a_cosine(done):
    assert learning_rate(2.0, done) == pytest.approx(2 * math.cos(math.pi * done / 2) ** 2)


def test_the_learning_rate_is_proportional_to_its_peak():
    for done in (0, 0.01, 0.3, 1):
        assert learning_rate(0.5, done) == pytest.approx(5 * learning_rate(0.1, done))


def test_the_learning_rate_stays_at_zero_after_the_end():
    assert learning_rate(0.004, 1.5) == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize(
    "seconds, step, time_limit, total_steps, expected",
    [
        (30.0, 5, 120, None, 0.25),
        (30.0, 5, None, 20, 0.25),
        (30.0, 15, 120, 20, 0.75),
        (90.0, 5, 120, 20, 0.75),
        (0.0, 0, 120, 20, 0.0),
        (120.0, 3, 120, None, 1.0),
        (500.0, 3, 120, 20, 1.0),
        (3.0, 25, None, 20, 1.0),
    ],
)
def test_the_limit_reached_first_determines_the_fraction_done(seconds, step, time_limit, total_steps, expected):
    assert fraction_done(seconds, step, time_limit, total_steps) == expected
