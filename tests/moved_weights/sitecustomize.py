"""Moves every initial weight by one unit in the last place: up or down, as the variable MOVED_WEIGHTS says.

Python imports this module at start-up if its folder is in PYTHONPATH, in the processes that a test starts too. A test
that fails with moved weights passed by luck: it depends on how a processor rounds.
"""

import importlib.abc
import importlib.util
import math
import os
import sys

CREATES_VARIABLES = "tensorflow.python.ops.variable_v1"
TOWARDS = {"up": math.inf, "down": -math.inf}


class MoveInitialWeights(importlib.abc.MetaPathFinder):
    """Changes the module that creates variables as soon as it is imported."""

    def find_spec(self, fullname, path=None, target=None):
        if fullname != CREATES_VARIABLES:
            return None
        sys.meta_path.remove(self)
        specification = importlib.util.find_spec(fullname)
        execute = specification.loader.exec_module

        def execute_and_change(module):
            execute(module)
            module.default_variable_creator = moving(module.default_variable_creator)

        specification.loader.exec_module = execute_and_change
        return specification


def moving(create):
    """A function that creates a variable as `create` does; a trainable one of float32 starts from moved values."""

    def create_moved(next_creator=None, **arguments):
        initial = arguments.get("initial_value")
        if arguments.get("trainable") is not False and initial is not None:
            arguments["initial_value"] = (lambda: moved(initial())) if callable(initial) else moved(initial)
        return create(next_creator, **arguments)

    return create_moved


def moved(values):
    """The next value of float32 for each of the values but zeros; values of another dtype as they are."""
    tf = sys.modules["tensorflow"]
    values = tf.convert_to_tensor(values)
    towards = TOWARDS[os.environ["MOVED_WEIGHTS"]]
    if values.dtype.base_dtype != tf.float32:
        return values
    # The neighbours of zero are subnormal, and some ops flush these to zero.
    return tf.where(tf.equal(values, 0), values, tf.math.nextafter(values, towards))


sys.meta_path.insert(0, MoveInitialWeights())
