"""Imports what every sandboxed process needs, once, in the fork server that all of them are forked from.

Importing this module imports TensorFlow, which takes seconds. It must not start a session: a process with a session
cannot be forked safely.
"""

import model.sandboxed.sandboxed_process  # noqa: F401
from pipeline.tensorflow_v1 import tf

_ = tf.Session
