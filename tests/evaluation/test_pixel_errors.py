import json
import subprocess
import sys

import numpy as np
import pytest

from evaluation.pixel_errors import THRESHOLDS, PixelErrors, VideoErrors
from pipeline.joints import JOINT_NAMES
from support.user_error import UserError


def random_positions(seed, sequences):
    random = np.random.default_rng(seed)
    labels = random.uniform(0, 64, (sequences, 10, 7, 2)).astype(np.float32)
    spread = random.uniform(0, 12, (7, 1))
    predictions = labels + (spread * random.normal(size=labels.shape)).astype(np.float32)
    return predictions, labels


def shifted_by(x, y):
    labels = np.full((2, 10, 7, 2), 32, np.float32)
    return labels + np.array([x, y], np.float32), labels


def errors_of(predictions, labels):
    errors = PixelErrors()
    errors.add(predictions, labels)
    return errors


def test_distance_is_euclidean_and_loss_is_per_coordinate():
    errors = errors_of(*shifted_by(3, -4))
    assert errors.mean_pixel_error == 5
    assert errors.mean_squared_error == (9 + 16) / 2


def test_errors_are_in_the_order_of_the_labels_joints():
    labels = np.zeros((1, 10, 7, 2), np.float32)
    predictions = labels.copy()
    predictions[..., 0] = np.arange(7)
    summary = errors_of(predictions, labels).summary()
    assert summary["pixel_error"] == {joint: float(number) for number, joint in enumerate(JOINT_NAMES)}
    assert summary["mean_pixel_error"] == 3


def test_a_distance_equal_to_a_threshold_is_within_it():
    accuracy = errors_of(*shifted_by(3, 4)).summary()["accuracy"]
    expected = [0.0] * 10 + [1.0] * 31
    assert accuracy["thresholds"] == [half / 2 for half in range(41)]
    assert accuracy["head"] == expected


def test_exact_predictions_are_within_all_thresholds_and_far_ones_within_none():
    assert errors_of(*shifted_by(0, 0)).summary()["accuracy"]["head"] == [1.0] * 41
    assert errors_of(*shifted_by(20.01, 0)).summary()["accuracy"]["head"] == [0.0] * 41


@pytest.mark.parametrize("batch_size", [1, 4, 23, 100])
def test_equals_brute_force_for_any_batch_size(batch_size):
    predictions, labels = random_positions(seed=1, sequences=23)
    errors = PixelErrors()
    for start in range(0, 23, batch_size):
        errors.add(predictions[start : start + batch_size], labels[start : start + batch_size])
    summary = errors.summary()

    difference = predictions.astype(np.longdouble) - labels.astype(np.longdouble)
    distances = np.hypot(difference[..., 0], difference[..., 1]).reshape(-1, 7)
    assert summary["sequences"] == 23
    assert errors.mean_squared_error == pytest.approx(float((difference**2).mean()), rel=1e-12)
    assert summary["mean_pixel_error"] == pytest.approx(float(distances.mean()), rel=1e-12)
    for number, joint in enumerate(JOINT_NAMES):
        assert summary["pixel_error"][joint] == pytest.approx(float(distances[:, number].mean()), rel=1e-12)
        shares = [np.mean([distance <= threshold for distance in distances[:, number]]) for threshold in THRESHOLDS]
        assert summary["accuracy"][joint] == pytest.approx(shares, abs=1e-12)
    assert 0.1 < summary["accuracy"]["head"][10] < 1, "the comparison needs distances on both sides of a threshold"


def test_sums_are_double_precision():
    # In float32, 20 million added to 0.1 is 20 million.
    errors = errors_of(*shifted_by(2e7, 0))
    errors.add(*shifted_by(0.125, 0))
    assert errors.mean_pixel_error == (2e7 + 0.125) / 2


def test_summary_is_plain_json():
    summary = errors_of(*random_positions(seed=2, sequences=3)).summary()
    assert json.loads(json.dumps(summary, allow_nan=False)) == summary


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_rejects_nan_and_infinity_and_adds_nothing(value):
    predictions, labels = shifted_by(3, 4)
    broken = predictions.copy()
    broken[1, 9, 6, 1] = value
    errors = errors_of(predictions, labels)
    with pytest.raises(UserError, match="model"):
        errors.add(broken, labels)
    with pytest.raises(UserError, match="data set"):
        errors.add(predictions, broken)
    assert errors.summary() == errors_of(predictions, labels).summary()


@pytest.mark.parametrize("shape", [(10, 7, 2), (2, 10, 14), (2, 10, 6, 2), (2, 10, 2, 7)])
def test_rejects_other_shapes(shape):
    with pytest.raises(ValueError, match="must be"):
        PixelErrors().add(np.zeros(shape), np.zeros(shape))


def test_shapes_are_not_broadcast():
    with pytest.raises(ValueError, match="differ in shape"):
        PixelErrors().add(np.zeros((1, 10, 7, 2)), np.zeros((2, 10, 7, 2)))


def test_curves_have_the_share_of_frames_within_each_twentieth_of_a_pixel():
    predictions, labels = random_positions(seed=3, sequences=2)
    curves = errors_of(predictions, labels).curves()
    distances = np.linalg.norm(predictions.astype(np.float64) - labels, axis=-1).reshape(-1, 7)
    assert list(curves) == list(JOINT_NAMES)
    for number, curve in enumerate(curves.values()):
        np.testing.assert_allclose(curve, [np.mean(distances[:, number] <= step / 20) for step in range(401)])


def test_without_frames_there_is_no_summary():
    errors = PixelErrors()
    errors.add(np.zeros((0, 10, 7, 2)), np.zeros((0, 10, 7, 2)))
    with pytest.raises(ValueError, match="no frames"):
        errors.summary()
    with pytest.raises(ValueError, match="no frames"):
        _ = errors.mean_squared_error


def test_video_errors_are_means_by_joint_with_the_largest_first():
    errors = VideoErrors()
    labels = np.zeros((2, 10, 7, 2), np.float32)
    joints = np.arange(7)
    off = np.stack([joints + 1, joints + 5])[:, np.newaxis, :, np.newaxis] * np.float32([0.6, 0.8])
    errors.add(labels + off, labels, np.array([3, 8]))
    errors.add(labels[:1] + 2 * np.float32([0.6, 0.8]), labels[:1], np.array([3]))
    assert list(errors.means()) == [8, 3]
    np.testing.assert_allclose(errors.means()[8], joints + 5, atol=1e-5)
    np.testing.assert_allclose(errors.means()[3], (joints + 3) / 2, atol=1e-5)


def test_imports_neither_matplotlib_nor_tensorflow():
    command = "import sys, report.error_table; print({'matplotlib', 'tensorflow'} & set(sys.modules))"
    finished = subprocess.run([sys.executable, "-c", command], capture_output=True, text=True, check=True)
    assert finished.stdout.strip() == "set()"
