"""TensorFlow in graph mode: the one module that imports it. The rest says `from pipeline.tensorflow_v1 import tf`.

TensorFlow takes seconds to import and 590 MB, so it is imported when `tf` is first used. `tf.nn.rnn_cell` lives in
tf-keras, which TensorFlow finds only if TF_USE_LEGACY_KERAS is set before it is imported. TensorFlow logs to standard error
on import, before any of its log levels apply: that output is held back, and shown if the import fails.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import sys
import tempfile
import types
import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING

from command_line.deferred_module import DeferredModule
from pipeline.freed_memory import share_freed_memory

__all__ = ["tf"]


def _import_tensorflow() -> types.ModuleType:
    share_freed_memory()
    os.environ["TF_USE_LEGACY_KERAS"] = "1"
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    # TensorFlow turns oneDNN on by itself only where the processor has AVX-512; its convolutions are faster without, too.
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    with _standard_error_held_back():
        tensorflow = importlib.import_module("tensorflow.compat.v1")
        tensorflow.logging.set_verbosity(tensorflow.logging.ERROR)
        tensorflow.disable_v2_behavior()
    warnings.filterwarnings("ignore", message=".*LSTMCell.* is deprecated")
    return tensorflow


@contextlib.contextmanager
def _standard_error_held_back() -> Iterator[None]:
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


if TYPE_CHECKING:
    import tensorflow.compat.v1 as tf
else:
    tf = DeferredModule("tensorflow.compat.v1", _import_tensorflow)
