from functools import partial

import numpy as np
import pytest

from model.batch_normalization import EPSILON, fused, normalized_over_parts
from pipeline.tensorflow_v1 import tf

WHOLE = np.random.default_rng(0).normal(3, 2, (6, 4, 5, 3)).astype(np.float32)
SCALE, OFFSET = np.float32([0.5, 1, 2]), np.float32([-1, 0, 3])
# The gradient of the loss by the normalized values.
SLOPES = np.random.default_rng(1).normal(size=WHOLE.shape).astype(np.float32)


def results_of(normalize, rows):
    """The results of `normalize` and the gradients by values, scale and offset, for these rows of WHOLE."""
    with tf.Graph().as_default(), tf.Session() as session:
        inputs = [tf.constant(WHOLE[rows]), tf.constant(SCALE), tf.constant(OFFSET)]
        results = normalize(*inputs)
        return session.run([*results, *tf.gradients(tf.reduce_sum(results[0] * SLOPES[rows]), inputs)])


def sums_of_other_rows(rows):
    """The sums of the other rows of WHOLE in the forward and the backward pass, computed by NumPy."""
    rest = np.delete(np.arange(len(WHOLE)), rows)
    values, slopes, whole = (array.astype(np.float64) for array in (WHOLE[rest], SLOPES[rest], WHOLE))
    axes = (0, 1, 2)
    normalized = (values - whole.mean(axes)) / np.sqrt(whole.var(axes) + EPSILON)
    forwards = [[values[..., 0].size], values.sum(axes), (values**2).sum(axes)]
    return np.concatenate(forwards), np.concatenate([slopes.sum(axes), (slopes * normalized).sum(axes)])


def results_of_part(rows):
    """The same for normalized_over_parts, if another worker has the other rows."""
    sums = iter(sums_of_other_rows(rows))

    def add_parts(values):
        return values + next(sums).astype(values.dtype.as_numpy_dtype)

    return results_of(partial(normalized_over_parts, add_parts), rows)


@pytest.mark.parametrize("rows", [[0], [1, 2, 3], [0, 1, 2, 3, 4, 5]])
def test_a_part_is_normalized_like_the_whole_batch(rows):
    of_whole = results_of(fused, slice(None))
    expected = [of_whole[0][rows], *of_whole[1:3], of_whole[3][rows]]
    for value, reference in zip(results_of_part(rows)[:4], expected, strict=True):
        np.testing.assert_allclose(value, reference, rtol=1e-4, atol=1e-5)


def test_gradients_by_scale_and_offset_sum_to_those_of_the_whole():
    added = sum(np.array(results_of_part(rows)[4:]) for rows in ([0], [1, 2, 3], [4, 5]))
    np.testing.assert_allclose(added, results_of(fused, slice(None))[4:], rtol=1e-4, atol=1e-4)
