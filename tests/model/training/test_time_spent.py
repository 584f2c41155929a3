import time

import numpy as np
import pytest

from model.training.graph import build_training_graph
from model.training.steps import Steps
from model.training.time_spent import TimeSpent
from pipeline.tensorflow_v1 import tf

POSE = np.full((7, 2), 32, np.float32)


def test_a_step_is_divided_into_waiting_and_computing():
    spent = TimeSpent()
    spent.add_step(2.0, waiting=0.5)
    spent.add_step(1.0, waiting=1.25)  # by another clock
    spent.add_step(1.0, waiting=-0.25)
    assert (spent.waiting, spent.computing, spent.waiting_share) == (1.5, 2.5, 0.375)
    assert TimeSpent().waiting_share == 0


def test_evaluating_and_saving_are_measured(monkeypatch):
    readings = iter([10.0, 13.0, 20.0, 20.5, 30.0, 31.0])
    monkeypatch.setattr("model.training.time_spent.time.perf_counter", lambda: next(readings))
    spent = TimeSpent()
    for kind in ("evaluating", "saving", "evaluating"):
        with spent.measured(kind):
            pass
    assert spent == TimeSpent(evaluating=4.0, saving=0.5)


@pytest.mark.parametrize(
    "waiting, computing, share",
    [(4.9, 1.0, None), (100.0, 401.0, None), (100.0, 400.0, "20 %"), (5.0, 1.0, "83 %")],
)
def test_a_run_is_advised_if_it_waits_much(waiting, computing, share):
    advice = TimeSpent(waiting, computing, evaluating=1e6).advice()
    assert (advice is None) == (share is None)
    if share:
        assert f"training waited for data {share} of the time; " in advice and "docs/PIPELINE.md" in advice


def test_steps_measure_how_long_they_wait_for_their_batches():
    """A batch takes at least 0.2 s to make, because making it sleeps that long; computing is not counted as waiting."""

    def make_dataset():
        def generate():
            while True:
                time.sleep(0.2)
                yield np.zeros((1, 10, 64, 64, 3), np.uint8), np.zeros((1, 10, 7, 2), np.float32)

        # Without autotuning, tf.data makes no batch in advance.
        options = tf.data.Options()
        options.autotune.enabled = False
        shapes = ((1, 10, 64, 64, 3), (1, 10, 7, 2))
        return tf.data.Dataset.from_generator(generate, (tf.uint8, tf.float32), shapes).with_options(options)

    training = build_training_graph(make_dataset, "strided", num_units=8, mean_pose=POSE, seed=0)
    with tf.Session(graph=training.graph) as session:
        session.run(training.initialize)
        steps = Steps(training, session, is_chief=True, is_stop_requested=lambda: False)
        for _ in range(3):
            steps.take(0.001)
    assert 0.59 < steps.spent.waiting <= steps.seconds
    assert steps.spent.waiting + steps.spent.computing == pytest.approx(steps.seconds)
    assert steps.spent.computing > 0
