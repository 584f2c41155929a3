"""TensorFlow in graph mode. Only this module imports it; others use `from pipeline.tensorflow_v1 import tf`.

TensorFlow takes seconds and 590 MB to import, so it is imported when `tf` is first used. `tf.nn.rnn_cell` comes from
tf-keras, which TensorFlow finds only if TF_USE_LEGACY_KERAS is set before the import. TensorFlow logs to stderr during
the import, before its log level takes effect: that output is captured, and shown only if the import fails.

glibc's allocator is tuned so that memory freed by one training step is reused by the next, in any thread. By default
it gives threads separate heaps, up to eight for each core, and memory that one thread frees cannot be used by another.
TensorFlow has many threads and makes one large allocation after another.

On Python 3.11 and later, TensorFlow's GeneratorDataset kernel sets glibc's M_MMAP_THRESHOLD to 128 KiB for the whole
process. From then on, every larger tensor is mapped anew from the system at every step. Its pages are cleared and
faulted in one by one, which can take as long as the training itself. `keep_freed_memory` undoes this: it sets the
thresholds to the values to which glibc itself raises them in a process that frees large arrays; see mallopt(3).
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import importlib
import os
import sys
import tempfile
import types
import warnings
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from support.deferred_module import DeferredModule
from support.machine import usable_cores

__all__ = ["keep_freed_memory", "return_freed_memory", "tf"]

# Parameters of mallopt, from malloc.h.
M_TRIM_THRESHOLD = -1
M_MMAP_THRESHOLD = -3
M_ARENA_MAX = -8

# glibc's DEFAULT_MMAP_THRESHOLD_MAX, the highest value to which it raises the threshold by itself.
LARGEST_MMAP_THRESHOLD = 32 * 2**20


def keep_freed_memory() -> None:
    """Undoes what the GeneratorDataset kernel does to glibc. Call it in the generator, which the kernel starts."""
    _set_allocator({M_MMAP_THRESHOLD: LARGEST_MMAP_THRESHOLD, M_TRIM_THRESHOLD: 2 * LARGEST_MMAP_THRESHOLD})


def return_freed_memory() -> None:
    """Frees graphs that are no longer used, and returns the memory to the system, as far as glibc does."""
    gc.collect()  # Graphs are in reference cycles.
    if trim := _allocator_function("malloc_trim"):
        trim(0)


def _set_allocator(parameters: dict[int, int]) -> None:
    if mallopt := _allocator_function("mallopt"):
        for parameter, value in parameters.items():
            mallopt(parameter, value)


def _allocator_function(name: str) -> Callable[..., int] | None:
    """A function of glibc's allocator; None on systems without it."""
    return getattr(ctypes.CDLL(None), name, None) if sys.platform.startswith("linux") else None


def _import_tensorflow() -> types.ModuleType:
    # Fewer heaps. This affects only threads that are created later.
    if "MALLOC_ARENA_MAX" not in os.environ:
        _set_allocator({M_ARENA_MAX: max(1, usable_cores() // 2)})
    os.environ["TF_USE_LEGACY_KERAS"] = "1"
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    # TensorFlow enables oneDNN by default only on processors with AVX-512. Its convolutions are faster on others too.
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    with _captured_stderr(), _memory_errors():
        tensorflow = importlib.import_module("tensorflow.compat.v1")
        tensorflow.logging.set_verbosity(tensorflow.logging.ERROR)
        tensorflow.disable_v2_behavior()
    warnings.filterwarnings("ignore", message=".*LSTMCell.* is deprecated")
    return tensorflow


@contextlib.contextmanager
def _memory_errors() -> Iterator[None]:
    """Raises MemoryError if there is not enough memory to load a library."""
    try:
        yield
    except ImportError as error:
        # If the system forbids to load it, the message continues with the reason.
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
