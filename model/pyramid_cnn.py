"""The CNN for people it has not seen: it finds points, at 16×16 places, with what 8×8 places know of the whole frame.

Down and up again, once and small, as in Newell et al., *Stacked Hourglass Networks for Human Pose Estimation*, ECCV
2016.
"""

from model.batch_normalization import normalized_convolution
from model.instance_normalization import instance_normalized_convolution
from model.layers import bare_convolution, convolution, fully_connected, soft_argmax
from pipeline.joints import JOINT_NAMES
from pipeline.tensorflow_v1 import tf

FIRST_FILTERS = 24
FINE_FILTERS = 40
COARSE_FILTERS = 80
COARSE_CONVOLUTIONS = 4
NUM_POINTS = 64
NUM_FEATURES = 256


def pyramid_features(values, is_training):
    """float32 (F, 64, 64, C), normalized → float32 (F, 256), and points, float32 (F, 7, 2), -1 to 1 across the frame.

    The features are a fully connected layer on where 64 maps are high and on what the frame holds on average. The
    first seven of the 64 are the points, one for each joint, for a loss of their own. is_training: whether the convolutions
    after the first two normalize over the batch, as they do in training, or have that folded into weights and bias.
    """
    convolve = normalized_convolution if is_training else convolution
    values = tf.nn.relu(instance_normalized_convolution("convolution_1", values, FIRST_FILTERS, size=5, stride=2))
    values = tf.nn.relu(instance_normalized_convolution("convolution_2", values, FINE_FILTERS, size=3, stride=2))
    fine = tf.nn.relu(convolve("fine_1", values, FINE_FILTERS, size=3))
    coarse = fine
    for number in range(COARSE_CONVOLUTIONS):
        stride = 2 if number == 0 else 1
        coarse = tf.nn.relu(convolve(f"coarse_{number + 1}", coarse, COARSE_FILTERS, size=3, stride=stride))
    summary = tf.reduce_mean(coarse, axis=[1, 2])
    coarse = convolve("from_coarse", coarse, FINE_FILTERS, size=1)
    fine = tf.nn.relu(fine + tf.image.resize_nearest_neighbor(coarse, fine.shape[1:3]))
    fine = tf.nn.relu(convolve("fine_2", fine, FINE_FILTERS, size=3))
    # No bias: softmax takes no notice of one.
    with tf.variable_scope("maps"):
        points = soft_argmax(bare_convolution(fine, NUM_POINTS, size=1))
    found = tf.concat([tf.reshape(points, [-1, 2 * NUM_POINTS]), summary], axis=1)
    return tf.nn.relu(fully_connected("fully_connected", found, NUM_FEATURES)), points[:, : len(JOINT_NAMES)]
