import numpy as np

from model.instance_normalization import instance_normalized_convolution
from pipeline.tensorflow_v1 import tf


def test_equals_numpy_and_takes_no_notice_of_a_map_s_scale():
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
