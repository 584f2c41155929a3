"""What every walled process needs: imported once, in the process that the others are forked from.

An import of this module imports TensorFlow, which takes seconds. It starts no session: a process with a session must
not be forked.
"""

import model.sandboxed.serving  # noqa: F401
from pipeline.tensorflow_v1 import tf

_ = tf.Session
