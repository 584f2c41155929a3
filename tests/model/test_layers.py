import numpy as np

from model.layers import instance_normalized_convolution, linear_maps, soft_argmax
from pipeline.tensorflow_v1 import tf


def test_instance_normalization_equals_numpy_and_ignores_the_scale():
    random = np.random.default_rng(0)
    values = random.normal(size=(3, 8, 6, 2)).astype(np.float32)
    with tf.Graph().as_default(), tf.Session() as session:
        output = instance_normalized_convolution("layer", tf.constant(values), filters=4, size=1, stride=2)
        variables = {variable.op.name: variable for variable in tf.global_variables()}
        gain, bias = random.normal(size=(2, 4)).astype(np.float32)
        weights = 10 * random.normal(size=(1, 1, 2, 4)).astype(np.float32)
        variables["layer/gain"].load(gain, session)
        variables["layer/bias"].load(bias, session)
        variables["layer/weights"].load(weights, session)
        computed = session.run(output)
        variables["layer/weights"].load(5 * weights, session)
        scaled = session.run(output)
    convolved = values[:, ::2, ::2] @ weights[0, 0]
    mean, deviation = convolved.mean(axis=(1, 2), keepdims=True), convolved.std(axis=(1, 2), keepdims=True)
    np.testing.assert_allclose(computed, (convolved - mean) / deviation * gain + bias, rtol=0, atol=1e-3)
    np.testing.assert_allclose(scaled, computed, rtol=0, atol=1e-3)


def test_soft_argmax_finds_the_peaks_of_maps():
    maps = np.zeros((2, 3, 4, 8), np.float32)
    maps[0, 0, 1, 6], maps[1, 2, 3, 0] = 50, 50
    with tf.Graph().as_default(), tf.Session() as session:
        points = session.run(soft_argmax(tf.constant(maps.reshape(2, 3, 32)), height=4, width=8))
    assert points.shape == (2, 3, 2)
    # The middle of the seventh of eight columns, and of the second of four rows.
    np.testing.assert_allclose(points[0, 0], [2 * 6.5 / 8 - 1, 2 * 1.5 / 4 - 1], atol=1e-5)
    np.testing.assert_allclose(points[1, 2], [2 * 0.5 / 8 - 1, 2 * 3.5 / 4 - 1], atol=1e-5)
    # A flat map points to the middle.
    np.testing.assert_allclose(points[0, 1], [0, 0], atol=1e-6)


def test_linear_maps_are_a_1x1_convolution():
    values = np.random.default_rng(0).normal(size=(3, 4, 8, 5)).astype(np.float32)
    with tf.Graph().as_default(), tf.Session() as session:
        maps = linear_maps("maps", tf.constant(values), number=6)
        session.run(tf.global_variables_initializer())
        maps, [weights] = session.run([maps, tf.global_variables()])
    expected = (values.reshape(3, 32, 5) @ weights).transpose(0, 2, 1)
    np.testing.assert_allclose(maps, expected, rtol=0, atol=1e-5)
