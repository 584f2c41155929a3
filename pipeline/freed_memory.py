"""Tunes glibc's allocator so that memory freed by one training step is reused by the next, in any thread.

glibc gives threads separate heaps, up to eight for each core, and memory that one thread frees cannot be used by
another. TensorFlow has many threads and makes one large allocation after another.

On Python 3.11 and later, TensorFlow's GeneratorDataset kernel sets glibc's M_MMAP_THRESHOLD to 128 KiB for the whole
process. From then on every larger tensor is mapped anew from the system at every step, and its pages are cleared and
faulted in one by one, which can take as long as the training itself. Setting the thresholds to the values to which
glibc itself raises them in a process that frees large arrays undoes that; see mallopt(3).
"""

from __future__ import annotations

import ctypes
import os
import sys

M_TRIM_THRESHOLD = -1
M_MMAP_THRESHOLD = -3
M_ARENA_MAX = -8

# The highest value to which glibc raises the threshold by itself, DEFAULT_MMAP_THRESHOLD_MAX, and twice that.
LARGEST_MMAP_THRESHOLD = 32 * 2**20
TRIM_THRESHOLD = 2 * LARGEST_MMAP_THRESHOLD


def share_freed_memory() -> None:
    """Limits the number of heaps. Call it before TensorFlow is imported: it affects only threads created later."""
    if "MALLOC_ARENA_MAX" not in os.environ:
        _set({M_ARENA_MAX: max(1, (os.cpu_count() or 1) // 2)})


def keep_freed_memory() -> None:
    """Raises the thresholds. Call it in the generator: the GeneratorDataset kernel sets them when it is created."""
    _set({M_MMAP_THRESHOLD: LARGEST_MMAP_THRESHOLD, M_TRIM_THRESHOLD: TRIM_THRESHOLD})


def _set(parameters: dict[int, int]) -> None:
    if not sys.platform.startswith("linux"):
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        for parameter, value in parameters.items():
            mallopt(parameter, value)
