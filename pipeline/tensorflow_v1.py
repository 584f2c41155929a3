"""TensorFlow in graph mode: the one module that imports it. The rest says `from pipeline.tensorflow_v1 import tf`.

`tf.nn.rnn_cell` lives in tf-keras, which TensorFlow finds only if TF_USE_LEGACY_KERAS is set before it is imported.
TensorFlow greets on standard error before any of its log levels apply, so that is held back while it is imported,
and shown if the import fails.
"""

import contextlib
import os
import sys
import tempfile
import warnings

from pipeline.freed_memory import share_freed_memory

share_freed_memory()
os.environ["TF_USE_LEGACY_KERAS"] = "1"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# TensorFlow turns oneDNN on by itself only where the processor has AVX-512; its convolutions are faster without, too.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")


@contextlib.contextmanager
def _standard_error_held_back():
    sys.stderr.flush()
    terminal = os.dup(2)
    with tempfile.TemporaryFile() as held_back:
        os.dup2(held_back.fileno(), 2)
        try:
            yield
        except BaseException:
            held_back.seek(0)
            os.write(terminal, held_back.read())
            raise
        finally:
            os.dup2(terminal, 2)
            os.close(terminal)


with _standard_error_held_back():
    import tensorflow.compat.v1 as tf

    tf.logging.set_verbosity(tf.logging.ERROR)
    tf.disable_v2_behavior()

warnings.filterwarnings("ignore", message=".*LSTMCell.* is deprecated")

__all__ = ["tf"]
