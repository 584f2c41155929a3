import numpy as np
import pytest

from model.training.weight_average import moving_averages
from pipeline.tensorflow_v1 import tf


@pytest.mark.parametrize("decay", [0.25, 0.9])
def test_averages_are_those_of_numpy(decay):
    with tf.Graph().as_default(), tf.Session() as session:
        weights = tf.get_variable("weights", initializer=tf.random.normal([3, 2], seed=1))
        step = tf.train.get_or_create_global_step()
        counted = step.assign_add(1)
        moved = weights.assign_add(tf.ones([3, 2]) * tf.cast(counted, tf.float32))
        with tf.control_dependencies([moved]):
            averages, move = moving_averages([weights], decay, step)
        assert list(averages) == ["weights"]
        session.run(tf.global_variables_initializer())
        value = session.run(weights).astype(np.float64)
        expected = value
        np.testing.assert_array_equal(session.run(averages["weights"]), value)
        for number in range(1, 21):
            session.run(move)
            value = value + number
            share = 1 - min(decay, (1 + number) / (10 + number))
            expected = expected + share * (value - expected)
            np.testing.assert_allclose(session.run(averages["weights"]), expected, rtol=1e-5)
        assert session.run(step) == 20
