"""The training graph: the network behind the `tf.data` iterator, its loss, Adam, and the weights' moving average."""

from typing import NamedTuple

from model.network import joint_positions
from pipeline.tensorflow_v1 import tf

AVERAGE_DECAY = 0.99


class TrainingGraph(NamedTuple):
    """What the training loop runs.

    train_step: op. loss: float32 scalar, px². learning_rate: placeholder, float32 scalar. global_step: int64 variable.
    averages: dict from a variable's name to its moving average. progress: dict from the names "training_seconds" and
    "best_validation_error" to float64 variables, which travel in the checkpoint. saver: saves and restores all.
    """

    graph: tf.Graph
    train_step: tf.Operation
    loss: tf.Tensor
    learning_rate: tf.Tensor
    global_step: tf.Variable
    averages: dict
    progress: dict
    initialize: tf.Operation
    saver: tf.train.Saver


def build_training_graph(make_dataset, num_units, mean_pose, seed):
    """Builds a graph of its own.

    make_dataset: a function that returns a tf.data.Dataset of (frames uint8 (B, 10, 64, 64, 3), labels float32
    (B, 10, 7, 2)). mean_pose: float32 (7, 2). seed: of the weights' initial values.
    """
    graph = tf.Graph()
    with graph.as_default():
        tf.set_random_seed(seed)
        frames, labels = tf.data.make_one_shot_iterator(make_dataset()).get_next()
        loss = tf.reduce_mean(tf.squared_difference(joint_positions(frames, num_units, mean_pose), labels))
        weights = tf.trainable_variables()

        learning_rate = tf.placeholder(tf.float32, [], name="learning_rate")
        global_step = tf.train.get_or_create_global_step()
        descend = tf.train.AdamOptimizer(learning_rate, beta2=0.95).minimize(loss, global_step)
        average = tf.train.ExponentialMovingAverage(AVERAGE_DECAY, num_updates=global_step)
        with tf.control_dependencies([descend]):
            train_step = average.apply(weights)

        progress = {
            "training_seconds": tf.get_variable(
                "training_seconds", initializer=tf.constant(0.0, tf.float64), trainable=False
            ),
            "best_validation_error": tf.get_variable(
                "best_validation_error", initializer=tf.constant(float("inf"), tf.float64), trainable=False
            ),
        }
        training_graph = TrainingGraph(
            graph,
            train_step,
            loss,
            learning_rate,
            global_step,
            {variable.op.name: average.average(variable) for variable in weights},
            progress,
            tf.global_variables_initializer(),
            tf.train.Saver(max_to_keep=2, save_relative_paths=True),
        )
        graph.finalize()
    return training_graph
