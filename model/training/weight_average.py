"""The moving average of the weights during training, which has a lower error than the weights themselves.

Polyak & Juditsky, *Acceleration of Stochastic Approximation by Averaging*, SIAM J. Control Optim. 1992.
tf.train.ExponentialMovingAverage was considered: it makes the first value of each average a conditional, so that its
part of the graph is five times as large. A training graph of this project took 2 s longer to build with it.
"""

from __future__ import annotations

from pipeline.tensorflow_v1 import tf

NAME = "average"


def moving_averages(
    variables: list[tf.Variable], decay: float, step: tf.Variable
) -> tuple[dict[str, tf.Variable], tf.Operation]:
    """Returns the moving average of each variable by the variable's name, and the op that updates all of them.

    variables: averages start at their initial values, in the same initialization. decay: of an average, 0 to 1; at
    first it is (1 + step) / (10 + step), which is smaller. step: int64 variable, the number of steps taken. Call it
    under the control dependencies of a training step: the op runs after them.
    """
    # Read here, after the control dependencies, and not where the variables were made. The addition comes before the
    # cast: TensorFlow's graph optimizer moves the cast of a variable to before the control dependencies.
    counted = step.read_value() + 1
    share = 1 - tf.minimum(decay, tf.cast(counted, tf.float32) / tf.cast(counted + 9, tf.float32))
    averages, moves = {}, []
    for variable in variables:
        average = tf.get_variable(f"{variable.op.name}/{NAME}", initializer=variable.initial_value, trainable=False)
        averages[variable.op.name] = average
        moves.append(average.assign_add(share * (variable.read_value() - average)))
    return averages, tf.group(*moves)
