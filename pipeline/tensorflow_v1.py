"""TensorFlow in graph mode. Only this module imports it; others use `from pipeline.tensorflow_v1 import tf`.

TensorFlow takes seconds and 590 MB to import, so it is imported when `tf` is first used. `tf.nn.rnn_cell` lives in
tf-keras, which TensorFlow finds only if TF_USE_LEGACY_KERAS is set before the import. TensorFlow logs to stderr on
import, before its log level takes effect: that output is captured, and shown only if the import fails.
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

from pipeline.freed_memory import share_freed_memory
from support.deferred_module import DeferredModule

__all__ = ["tf"]


def _import_tensorflow() -> types.ModuleType:
    share_freed_memory()
    os.environ["TF_USE_LEGACY_KERAS"] = "1"
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    # TensorFlow enables oneDNN by default only if the processor has AVX-512. Its convolutions are faster without, too.
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    with _captured_stderr(), _memory_errors():
        tensorflow = importlib.import_module("tensorflow.compat.v1")
        tensorflow.logging.set_verbosity(tensorflow.logging.ERROR)
        tensorflow.disable_v2_behavior()
    warnings.filterwarnings("ignore", message=".*LSTMCell.* is deprecated")
    return tensorflow


@contextlib.contextmanager
def _memory_errors() -> Iterator[None]:
    """Raises MemoryError where there is no memory for a library."""
    try:
        yield
    except ImportError as error:
        # Where a library may not be run, the reason follows.
        if str(error).endswith("failed to map segment from shared object"):
            raise MemoryError from error
        raise


@contextlib.contextmanager
def _captured_stderr() -> Iterator[None]:
    sys.stderr.flush()
    terminal = os.dup(2)
    with tempfile.TemporaryFile() as captured:
        os.dup2(captured.fileno(), 2)
        try:
            yield
        except BaseException:
            captured.seek(0)
            os.write(terminal, captured.read())
            raise
        finally:
            os.dup2(terminal, 2)
            os.close(terminal)


if TYPE_CHECKING:
    import tensorflow.compat.v1 as tf
else:
    tf = DeferredModule("tensorflow.compat.v1", _import_tensorflow)
