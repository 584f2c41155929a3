"""The layers of Keras and tf.layers, and the functions of tf.nn, need no op that is refused.

Their graphs are built as students do in TensorFlow 2 with eager execution disabled, where conditions and loops are
functions, and as in TensorFlow 1, and with the gradients of training, which add outputs to conditions and loops.
"""

import contextlib
import inspect
import warnings

import pytest

from model.export.pruning import check_ops, pruned_graph
from pipeline.tensorflow_v1 import tf

# Classes that are no layers to call, or not for frames but for text or tables.
NO_LAYERS = {
    "AbstractRNNCell", "DenseFeatures", "DynamicEmbedding", "DynamicLookup", "HashedCrossing", "Hashing", "InputLayer",
    "InputSpec", "IntegerLookup", "Layer", "StringLookup", "TextVectorization", "Wrapper",
}  # fmt: skip
# By a part of a layer's name, the first that matches: what the layer is made with.
ARGUMENTS_BY_PART = {
    "Global": {},
    "Depthwise": {"kernel_size": 3},
    "Conv": {"filters": 3, "kernel_size": 3},
    "LocallyConnected": {"filters": 3, "kernel_size": 3},
    "Pool": {"pool_size": 2, "strides": 2},
    "Dropout": {"rate": 0.5},
    "Dense": {"units": 3},
    "LSTM": {"units": 3},
    "GRU": {"units": 3},
    "RNN": {"units": 3},
    "Random": {"factor": 0.5},
}
OF_TWO = {
    "Add", "AdditiveAttention", "Attention", "Average", "Concatenate", "Dot", "Maximum", "Minimum", "Multiply",
    "Subtract",
}  # fmt: skip
OF_IMAGES = {"CenterCrop", "GroupNormalization", "Resizing", "SyncBatchNormalization"}
OF_VECTORS = {"CategoryEncoding", "RandomFourierFeatures", "RepeatVector"}


def arguments_of(name):
    layers = tf.compat.v2.keras.layers
    arguments = {
        "Activation": {"activation": "softmax"},
        "Bidirectional": {"layer": layers.LSTM(3)},
        "CategoryEncoding": {"num_tokens": 4},
        "CenterCrop": {"height": 4, "width": 4},
        "Discretization": {"bin_boundaries": [0.0, 1.0]},
        "Dot": {"axes": 1},
        "EinsumDense": {"equation": "abc,cd->abd", "output_shape": (None, 3)},
        "Embedding": {"input_dim": 4, "output_dim": 3},
        "GaussianNoise": {"stddev": 0.5},
        "GroupNormalization": {"groups": 3},
        "Lambda": {"function": lambda values: values * 2},
        "MultiHeadAttention": {"num_heads": 2, "key_dim": 3},
        "Normalization": {"mean": 1.0, "variance": 2.0},
        "Permute": {"dims": (2, 1)},
        "RNN": {"cell": layers.LSTMCell(3)},
        "RandomCrop": {"height": 4, "width": 4},
        "RandomFlip": {},
        "RandomFourierFeatures": {"output_dim": 3},
        "RandomTranslation": {"height_factor": 0.5, "width_factor": 0.5},
        "RandomZoom": {"height_factor": 0.5},
        "RepeatVector": {"n": 2},
        "Rescaling": {"scale": 0.5},
        "Reshape": {"target_shape": (-1,)},
        "Resizing": {"height": 4, "width": 4},
        "SpectralNormalization": {"layer": layers.Dense(3)},
        "StackedRNNCells": {"cells": [layers.LSTMCell(3), layers.GRUCell(3)]},
        "TimeDistributed": {"layer": layers.Dense(3)},
    }
    parts = [given for part, given in ARGUMENTS_BY_PART.items() if part in name]
    return arguments.get(name, parts[0] if parts else {})


def input_of(name, values):
    """What a layer is called with. values: float32 (B, 10, 8, 8, 3)."""
    rows = rows_of(values)
    if name.startswith("ConvLSTM"):
        return {"1D": values[:, :, 0], "2D": values, "3D": values[..., tf.newaxis]}[name[-2:]]
    if name in OF_VECTORS:
        return rows[:, 0]
    if "2D" in name or name in OF_IMAGES or name.startswith("Random"):
        return images_of(values)
    if "3D" in name:
        return values
    return [rows, rows + 1] if name in OF_TWO else rows


def images_of(values):
    return tf.reshape(values, [-1, 8, 8, 3])


def rows_of(values):
    return tf.reshape(values[:, :, 0], [-1, 10, 24])


def output_of(name, make, values, is_training):
    """What a layer computes; Keras decides by its learning phase whether it is training."""
    layer, given = make(**arguments_of(name)), input_of(name, values)
    if name.endswith(("Cell", "Cells")):
        layer = tf.keras.layers.RNN(layer)
    if ".legacy_tf_layers." in make.__module__ and "training" in inspect.signature(layer.call).parameters:
        return layer(given, training=is_training)
    output = layer(given, given) if name == "MultiHeadAttention" else layer(given)
    return tf.stop_gradient(output) if name == "RandomContrast" else output  # It has no gradient.


def layers_of(*modules):
    """The layer classes of modules by name, each once."""
    found = {}
    for module in modules:
        for name in dir(module):
            one = getattr(module, name)
            if inspect.isclass(one) and name not in NO_LAYERS and one not in found.values():
                found[f"{name} of {module.__name__}" if name in found else name] = one
    return found


# The functions of tf.nn and others, each with float32 images (B, 8, 8, 3), rows (B, 10, 24) and a training flag.
FUNCTIONS = {
    "atrous_conv2d": lambda images, rows, flag: tf.nn.atrous_conv2d(images, tf.ones([3, 3, 3, 2]), 2, "SAME"),
    "batch_normalization": lambda images, rows, flag: tf.nn.batch_normalization(
        images, *tf.nn.moments(images, [0, 1, 2]), None, None, 1e-3
    ),
    "fused_batch_norm": lambda images, rows, flag: tf.nn.fused_batch_norm(images, tf.ones([3]), tf.zeros([3]))[0],
    "conv1d": lambda images, rows, flag: tf.nn.conv1d(rows, tf.ones([3, 24, 2]), 1, "SAME"),
    "conv2d": lambda images, rows, flag: tf.nn.conv2d(images, tf.ones([3, 3, 3, 2]), 2, "SAME"),
    "conv2d_transpose": lambda images, rows, flag: tf.nn.conv2d_transpose(
        images, tf.ones([3, 3, 2, 3]), [tf.shape(images)[0], 16, 16, 2], 2
    ),
    "conv3d": lambda images, rows, flag: tf.nn.conv3d(images[:, tf.newaxis], tf.ones([1, 3, 3, 3, 2]), [1] * 5, "SAME"),
    "convolution": lambda images, rows, flag: tf.nn.convolution(
        images, tf.ones([3, 3, 3, 2]), "SAME", dilation_rate=[2, 2]
    ),
    "depthwise_conv2d": lambda images, rows, flag: tf.nn.depthwise_conv2d(
        images, tf.ones([3, 3, 3, 2]), [1] * 4, "SAME"
    ),
    "separable_conv2d": lambda images, rows, flag: tf.nn.separable_conv2d(
        images, tf.ones([3, 3, 3, 2]), tf.ones([1, 1, 6, 2]), [1] * 4, "SAME"
    ),
    "dilation2d": lambda images, rows, flag: tf.nn.dilation2d(images, tf.ones([3, 3, 3]), [1] * 4, [1] * 4, "SAME"),
    "avg_pool": lambda images, rows, flag: tf.nn.avg_pool(images, 2, 2, "SAME"),
    "max_pool": lambda images, rows, flag: tf.nn.max_pool(images, 2, 2, "SAME"),
    "max_pool_with_argmax": lambda images, rows, flag: tf.nn.max_pool_with_argmax(
        images, [1, 2, 2, 1], [1, 2, 2, 1], "SAME"
    )[0],
    "fractional_max_pool": lambda images, rows, flag: tf.stop_gradient(
        tf.nn.fractional_max_pool(images, [1, 1.5, 1.5, 1])[0]
    ),
    "fractional_avg_pool": lambda images, rows, flag: tf.stop_gradient(
        tf.nn.fractional_avg_pool(images, [1, 1.5, 1.5, 1])[0]
    ),
    "depth_to_space": lambda images, rows, flag: tf.nn.depth_to_space(tf.nn.space_to_depth(images, 2), 2),
    "lrn": lambda images, rows, flag: tf.nn.lrn(images),
    "dropout": lambda images, rows, flag: tf.nn.dropout(rows, rate=tf.where(flag, 0.5, 0.0)),
    "crelu": lambda images, rows, flag: tf.nn.crelu(rows),
    "activations": lambda images, rows, flag: tf.add_n(
        [
            activation(rows)
            for activation in (
                tf.nn.relu, tf.nn.relu6, tf.nn.elu, tf.nn.selu, tf.nn.leaky_relu, tf.nn.swish, tf.nn.softplus,
                tf.nn.softsign, tf.nn.sigmoid, tf.nn.tanh, tf.nn.softmax, tf.nn.log_softmax,
            )
        ]
    ),
    "l2_normalize": lambda images, rows, flag: tf.nn.l2_normalize(rows, -1),
    "top_k": lambda images, rows, flag: tf.nn.top_k(rows, 3)[0],
    "xw_plus_b": lambda images, rows, flag: tf.nn.xw_plus_b(rows[:, 0], tf.ones([24, 3]), tf.ones([3])),
    "embedding_lookup": lambda images, rows, flag: tf.nn.embedding_lookup(rows[0], [1, 2]),
    "dynamic_rnn": lambda images, rows, flag: tf.nn.dynamic_rnn(
        tf.nn.rnn_cell.MultiRNNCell(
            [
                tf.nn.rnn_cell.DropoutWrapper(tf.nn.rnn_cell.BasicLSTMCell(3), 0.5, tf.where(flag, 0.5, 1.0), 0.5),
                tf.nn.rnn_cell.LSTMCell(3, use_peepholes=True, num_proj=2),
                tf.nn.rnn_cell.ResidualWrapper(tf.nn.rnn_cell.GRUCell(2)),
                tf.nn.rnn_cell.BasicRNNCell(3),
            ]
        ),
        rows,
        sequence_length=tf.fill(tf.shape(rows)[:1], 5),
        dtype=tf.float32,
    )[0],
    "bidirectional_dynamic_rnn": lambda images, rows, flag: tf.nn.bidirectional_dynamic_rnn(
        tf.nn.rnn_cell.LSTMCell(3), tf.nn.rnn_cell.LSTMCell(3), rows, dtype=tf.float32
    )[0][1],
    "static_rnn": lambda images, rows, flag: tf.nn.static_rnn(
        tf.nn.rnn_cell.LSTMCell(3), tf.unstack(rows, axis=1), dtype=tf.float32
    )[0][-1],
    "cond": lambda images, rows, flag: tf.cond(flag, lambda: tf.tanh(rows) * 2, lambda: rows),
    "case": lambda images, rows, flag: tf.case([(flag, lambda: tf.tanh(rows))], lambda: rows),
    "switch_case": lambda images, rows, flag: tf.switch_case(
        tf.cast(flag, tf.int32), [lambda: rows, lambda: rows * rows]
    ),
    "map_fn": lambda images, rows, flag: tf.map_fn(tf.image.per_image_standardization, images),
    "scan": lambda images, rows, flag: tf.scan(lambda sum_, row: sum_ * 0.9 + row, rows),
    "vectorized_map": lambda images, rows, flag: tf.vectorized_map(lambda row: row * tf.reduce_mean(row), rows),
    "while_loop": lambda images, rows, flag: tf.while_loop(
        lambda step, values: step < 3, lambda step, values: (step + 1, tf.tanh(values)), [tf.constant(0), rows]
    )[1],
    "function": lambda images, rows, flag: tf.function(lambda values: tf.tanh(values) * values, autograph=False)(rows),
    "resize": lambda images, rows, flag: tf.image.resize(images, [4, 4]) + tf.image.resize_bilinear(images, [4, 4]),
    "crop_and_resize": lambda images, rows, flag: tf.image.crop_and_resize(images, [[0, 0, 0.5, 0.5]], [0], [4, 4]),
    "colours": lambda images, rows, flag: tf.image.rgb_to_grayscale(images) + tf.image.rgb_to_hsv(images),
    "gradients": lambda images, rows, flag: tf.gradients(tf.tanh(rows) ** 2, rows)[0],
    "assert_less": lambda images, rows, flag: with_assertion(rows),
    "print_as_text": lambda images, rows, flag: rows + tf.cast(tf.strings.length(tf.as_string(rows)), tf.float32),
    "svd": lambda images, rows, flag: tf.linalg.svd(rows, compute_uv=False),
    "fft": lambda images, rows, flag: tf.abs(tf.signal.rfft(rows)),
    "einsum": lambda images, rows, flag: tf.einsum("abc,adc->abd", rows, rows),
    "sparse": lambda images, rows, flag: tf.sparse.to_dense(tf.sparse.from_dense(rows[0])),
}  # fmt: skip


def with_assertion(rows):
    with tf.control_dependencies([tf.assert_less(rows, 1e9, message="too large")]):
        return tf.identity(rows)


@contextlib.contextmanager
def graph_as_in(version):
    """A new graph in which conditions, loops and variables are those of this major version of TensorFlow."""
    with warnings.catch_warnings(), tf.Graph().as_default():
        warnings.simplefilter("ignore")
        if version == 1:
            yield
            return
        tf.enable_control_flow_v2()
        tf.enable_resource_variables()
        try:
            yield
        finally:
            tf.disable_control_flow_v2()
            tf.disable_resource_variables()


def check(outputs_of):
    """Saves the graph of what a function makes of frames and a training flag, and checks its ops."""
    frames = tf.placeholder(tf.float32, [None, 10, 8, 8, 3], name="input_frames")
    values = frames * tf.get_variable("scale", [])
    is_training = tf.placeholder_with_default(False, [], name="is_training")
    outputs = tf.nest.flatten(outputs_of(values, is_training))
    loss = tf.add_n([tf.reduce_sum(tf.cast(output, tf.float32)) for output in outputs])
    variables = tf.trainable_variables()
    assert tf.gradients(loss, variables)[variables.index(tf.trainable_variables("scale")[0])] is not None
    for tensor in (frames, tf.identity(loss, name="joint_pos")):
        tf.add_to_collection("validation_nodes", tensor)
    check_ops("my_model.meta", pruned_graph(tf.train.Saver().export_meta_graph()))


@pytest.mark.slow
@pytest.mark.parametrize("version", [1, 2])
def test_layers_are_accepted(version):
    keras = tf.compat.v2.keras.layers
    layers = layers_of(keras, tf.keras.layers, keras.experimental, tf.layers)
    assert len(layers) > 110
    with graph_as_in(version):
        check(lambda values, flag: [output_of(name.split()[0], make, values, flag) for name, make in layers.items()])


@pytest.mark.parametrize("version", [1, 2])
def test_functions_are_accepted(version):
    with graph_as_in(version):
        check(lambda values, flag: [make(images_of(values), rows_of(values), flag) for make in FUNCTIONS.values()])
