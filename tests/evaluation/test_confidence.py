import numpy as np

from evaluation.confidence import HALFWAY, confidence_of


def test_falls_from_one_as_windows_disagree():
    values = confidence_of(np.array([0, 0.3, HALFWAY, 5, 1000], np.float32))
    assert values.dtype == np.float32 and values[0] == 1 and values[-1] < 0.001
    assert (np.diff(values) < 0).all()
    np.testing.assert_allclose(values[2], 0.5)


def test_is_not_known_of_a_single_window():
    assert np.isnan(confidence_of(np.array([np.nan], np.float32))).all()
