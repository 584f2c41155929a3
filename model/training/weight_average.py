"""The moving average of the weights during training, which has a lower error than the weights themselves.

Polyak & Juditsky, *Acceleration of Stochastic Approximation by Averaging*, SIAM J. Control Optim. 1992.
tf.train.ExponentialMovingAverage was considered: it makes the first value of each average conditional, which makes its
part of the graph five times as large and the training graph 2 s slower to build.
"""

from __future__ import annotations

from pipeline.tensorflow_v1 import tf

NAME = "average"


def moving_averages(
    variables: list[tf.Variable], decay: float, step: tf.Variable
) -> tuple[dict[str, tf.Variable], tf.Operation]:
    """Returns the moving average of each variable by the variable's name, and the op that updates all of them.

    variables: their initial values are those of the averages. decay: the upper limit, 0 to 1; early in
    training (1 + step) / (10 + step) is used instead. step: the number of steps taken, int64 variable. Call this
    function under the control dependencies of a training step, so that the op runs after them.
    """
    # `read_value` reads after the control dependencies. The addition comes before the cast, because TensorFlow's graph
    # optimizer moves the cast of a variable before the control dependencies.
    counted = step.read_value() + 1
    share = 1 - tf.minimum(decay, tf.cast(counted, tf.float32) / tf.cast(counted + 9, tf.float32))
    averages, moves = {}, []
    for variable in variables:
        average = tf.get_variable(f"{variable.op.name}/{NAME}", initializer=variable.initial_value, trainable=False)
        averages[variable.op.name] = average
        moves.append(average.assign_add(share * (variable.read_value() - average)))
    return averages, tf.group(*moves)
