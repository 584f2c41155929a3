import numpy as np
import pytest

from model.training.losses import mean_distance, mean_limb_distance, mean_squared_error
from pipeline.joints import JOINT_NAMES, LIMBS
from pipeline.tensorflow_v1 import tf

LABELS = np.random.default_rng(0).uniform(0, 64, (3, 10, 7, 2)).astype(np.float32)


@pytest.fixture
def evaluated():
    """A function that returns a loss of positions and its gradient."""

    def evaluate(loss, positions):
        with tf.Graph().as_default(), tf.Session() as session:
            positions = tf.constant(positions)
            value = loss(positions, tf.constant(LABELS))
            return session.run([value, tf.gradients(value, positions)[0]])

    return evaluate


def test_mean_squared_error_is_numpys(evaluated):
    positions = LABELS[::-1].copy()
    value, _ = evaluated(mean_squared_error, positions)
    assert value == pytest.approx(np.mean((positions - LABELS) ** 2), rel=1e-5)


def test_mean_distance_of_a_known_offset(evaluated):
    value, gradient = evaluated(mean_distance, LABELS + np.float32([30, 40]))
    assert value == pytest.approx(50, abs=0.01)
    # The gradient of each of the 3 * 10 * 7 positions points away from its label, with equal length.
    np.testing.assert_allclose(gradient * 3 * 10 * 7, np.broadcast_to([0.6, 0.8], LABELS.shape), atol=1e-3)


def test_distance_grows_linearly(evaluated):
    near, far = (evaluated(mean_distance, LABELS + np.float32([apart, 0]))[0] for apart in (10, 40))
    assert far / near == pytest.approx(4, rel=0.01)


def test_the_gradient_at_zero_distance_is_zero(evaluated):
    value, gradient = evaluated(mean_distance, LABELS)
    assert value == pytest.approx(0.5) and (gradient == 0).all()


def test_the_limb_distance_of_a_moved_person_is_zero(evaluated):
    value, _ = evaluated(mean_limb_distance, LABELS + np.float32([30, 40]))
    assert value == pytest.approx(0.5, abs=1e-3)


def test_the_limb_distance_of_one_moved_joint_counts_its_limbs(evaluated):
    positions = LABELS.copy()
    positions[:, :, JOINT_NAMES.index("left elbow"), 0] += 30
    value, _ = evaluated(mean_limb_distance, positions)
    still, moved = 0.5, np.hypot(30, 0.5)
    assert value == pytest.approx(((len(LIMBS) - 2) * still + 2 * moved) / len(LIMBS), rel=1e-4)
