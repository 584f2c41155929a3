"""The moving average of weights while they are trained, which errs less than the weights themselves.

Polyak & Juditsky, *Acceleration of Stochastic Approximation by Averaging*, SIAM J. Control Optim. 1992, as in
tf.train.ExponentialMovingAverage, whose graph is five times as large: it makes an average's first value a conditional, and
a training graph of ours took 2 s longer to build with it.
"""

from __future__ import annotations

from pipeline.tensorflow_v1 import tf

NAME = "average"


def moving_averages(variables, decay, step):
    """A dict from a variable's name to its moving average, and the op that moves them all by one step.

    variables: of which to take averages, which start at the variables' initial values and are initialized in the same
    run. decay: of an average, 0 to 1; at first it is (1 + step) / (10 + step), which is smaller. step: int64 variable,
    the number of steps taken. Call it under the control dependencies of a step, after which the op is to run.
    """
    # Read here, after what the op waits for, and not where the variables were made. The addition comes before the cast:
    # TensorFlow's graph optimizer moves a cast of a variable to before what it waits for.
    counted = step.read_value() + 1
    share = 1 - tf.minimum(decay, tf.cast(counted, tf.float32) / tf.cast(counted + 9, tf.float32))
    averages, moves = {}, []
    for variable in variables:
        average = tf.get_variable(f"{variable.op.name}/{NAME}", initializer=variable.initial_value, trainable=False)
        averages[variable.op.name] = average
        moves.append(average.assign_add(share * (variable.read_value() - average)))
    return averages, tf.group(*moves)
