import math
import statistics

import numpy as np
import pytest

from evaluation.confidence import HALFWAY, ConfidenceBins, confidence_of


def test_confidence_falls_from_1_as_windows_disagree():
    values = confidence_of(np.array([0, 0.3, HALFWAY, 5, 1000], np.float32))
    assert values.dtype == np.float32 and values[0] == 1 and values[-1] < 0.001
    assert (np.diff(values) < 0).all()
    np.testing.assert_allclose(values[2], 0.5)


def test_a_single_window_has_no_confidence():
    assert np.isnan(confidence_of(np.array([np.nan], np.float32))).all()


def made_block(seed, sequences=40, frames=60):
    """Rows (B, 10), predictions and labels (B, 10, 7, 2) of overlapping windows with various errors and spreads."""
    random = np.random.default_rng(seed)
    rows = random.integers(0, frames - 9, (sequences, 1)) + np.arange(10)
    frame_labels = random.uniform(5, 60, (frames, 7, 2)).astype(np.float32)
    offsets = random.normal(0, 4, (frames, 7, 2))
    disagreement = 10 ** random.uniform(-1.3, 1, (frames, 7, 1))
    noise = disagreement[rows] * random.normal(size=(*rows.shape, 7, 2))
    predictions = (frame_labels[rows] + offsets[rows] + noise).astype(np.float32)
    return np.unique(rows, return_inverse=True)[1].reshape(rows.shape), predictions, frame_labels[rows]


def by_definition(blocks):
    """The errors of the mean positions in each tenth of the confidence, computed joint by joint."""
    tenths = [[] for _ in range(10)]
    for rows, predictions, labels in blocks:
        for frame in range(rows.max() + 1):
            places = list(zip(*np.nonzero(rows == frame), strict=True))
            if len({sequence for sequence, _ in places}) < 2:
                continue
            for joint in range(7):
                xs, ys = ([float(predictions[(*place, joint, axis)]) for place in places] for axis in (0, 1))
                spread = math.sqrt(statistics.variance(xs) + statistics.variance(ys))
                confidence = 1 / (1 + (spread / 1.21) ** 1.43)
                truth = labels[(*places[0], joint)]
                error = math.dist((statistics.fmean(xs), statistics.fmean(ys)), truth)
                distance_to_edge = abs(confidence * 10 - round(confidence * 10))
                assert confidence > 0.99 or distance_to_edge > 1e-5, "too close to an edge"
                assert abs(error - 5) > 1e-4, "too close to an edge"
                tenths[min(int(confidence * 10), 9)].append(error)
    return tenths


def table_of(blocks):
    bins = ConfidenceBins()
    for block in blocks:
        bins.add(*block)
    return bins.table()


def test_each_tenth_has_the_errors_of_the_definition():
    blocks = [made_block(seed) for seed in range(3)]
    tenths = by_definition(blocks)
    assert min(map(len, tenths)) > 5, "the comparison needs positions in every tenth"
    table = table_of(blocks)
    assert table.positions.tolist() == [len(errors) for errors in tenths]
    np.testing.assert_allclose(table.mean_errors, [statistics.fmean(errors) for errors in tenths], rtol=1e-5)
    shares = [sum(error <= 5 for error in errors) / len(errors) for errors in tenths]
    np.testing.assert_allclose(table.shares_within, shares, rtol=1e-12)
    assert min(shares) > 0 and max(shares) < 1


def two_windows(apart, off=0.0):
    """Two sequences of the same ten frames: positions are `apart` pixels apart, and their mean is `off` by pixels."""
    labels = np.full((2, 10, 7, 2), 30, np.float32)
    predictions = labels + np.float32([off, 0])
    predictions[0, ..., 1] -= apart / 2
    predictions[1, ..., 1] += apart / 2
    return np.tile(np.arange(10), (2, 1)), predictions, labels


def test_windows_that_agree_are_in_the_last_tenth_and_5_px_count_as_within():
    table = table_of([two_windows(0, off=5), two_windows(0, off=5.5)])
    assert table.positions.tolist() == [0] * 9 + [140]
    assert (table.mean_errors[9], table.shares_within[9]) == (5.25, 0.5)
    assert np.isnan(table.mean_errors[:9]).all() and np.isnan(table.shares_within[:9]).all()


@pytest.mark.parametrize("apart", [1e3, 1e30])
def test_windows_far_apart_are_in_the_first_tenth_without_a_warning(apart):
    with np.errstate(all="raise"):
        assert table_of([two_windows(apart)]).positions.tolist() == [70] + [0] * 9


def test_a_frame_in_a_single_window_is_left_out():
    rows, predictions, labels = made_block(0, sequences=2)
    rows = np.arange(20).reshape(2, 10)
    assert table_of([]) is None
    assert table_of([(rows, predictions, labels)]) is None
    rows[1] = np.arange(9, 19)
    assert table_of([(rows, predictions, labels)]).positions.sum() == 7


def test_a_frame_that_a_single_window_repeats_is_left_out():
    rows, predictions, labels = made_block(0, sequences=1)
    assert table_of([(np.zeros_like(rows), predictions, labels)]) is None
