import numpy as np
import pytest

from pipeline.sources.conversion_summary import LabelRange
from support.user_error import UserError


def labels_with(sequences=1, dtype=np.float64, **values):
    """Labels (N, 10, 7, 2) of 32 px, except for the values given by flat index as i0, i1, ..."""
    labels = np.full((sequences, 10, 7, 2), 32, dtype)
    for index, value in values.items():
        labels.flat[int(index[1:])] = value
    return labels


def range_of(*blocks):
    label_range = LabelRange()
    for block in blocks:
        label_range.add(block)
    label_range.require_finite()
    return label_range


def test_gathers_the_range_over_all_blocks():
    label_range = range_of(labels_with(i0=-3.5), labels_with(i9=70.25), labels_with(2))
    assert (label_range.minimum, label_range.maximum) == (-3.5, 70.25)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, ">f4", ">f8"])
def test_returns_native_float32(dtype):
    rounded = LabelRange().add(labels_with(dtype=dtype, i0=0.1))
    assert rounded.dtype == np.float32 and rounded.dtype.isnative
    assert rounded.flat[0] == np.float32(0.1)


def test_finds_the_largest_rounding():
    assert range_of(labels_with(i3=0.1, i5=60.1), labels_with()).largest_rounding == abs(60.1 - float(np.float32(60.1)))
    assert range_of(labels_with(dtype=np.float32, i3=0.1)).largest_rounding == 0


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e39])
def test_says_how_many_labels_are_not_finite_and_where_the_first_is(value):
    blocks = labels_with(2), labels_with(2, i143=value, i144=value), labels_with(1, i0=value)
    with pytest.raises(UserError, match=r"^3 of the labels are not .* sequence 3, frame 0, right wrist, y;"):
        range_of(*blocks)
