"""Keeps the memory that a training step frees for the next step, and for all threads, where the C library is glibc.

glibc gives each thread a heap of its own, up to eight for each core, and what one thread frees no other can use. TensorFlow
has many threads, and one big allocation after the other.

TensorFlow's GeneratorDataset kernel, on Python 3.11 and later, sets glibc's M_MMAP_THRESHOLD to 128 KiB for the whole
process. From then on every larger tensor is mapped anew from the system, its pages cleared and faulted in one by one,
at every step, which can take as long as the training itself. glibc's thresholds as they rise by themselves in a
process that frees large arrays, and no further, undo that: mallopt(3).
"""

import ctypes
import os
import sys

M_TRIM_THRESHOLD = -1
M_MMAP_THRESHOLD = -3
M_ARENA_MAX = -8

# glibc's own bound on the threshold that it adjusts, DEFAULT_MMAP_THRESHOLD_MAX, and twice that for the other.
LARGEST_MMAP_THRESHOLD = 32 * 2**20
TRIM_THRESHOLD = 2 * LARGEST_MMAP_THRESHOLD


def share_freed_memory():
    """Has an effect only before the threads are made, so call it before TensorFlow is imported."""
    if "MALLOC_ARENA_MAX" not in os.environ:
        _set({M_ARENA_MAX: max(1, (os.cpu_count() or 1) // 2)})


def keep_freed_memory():
    """Has an effect only after the GeneratorDataset kernel is made, so call it from within the generator."""
    _set({M_MMAP_THRESHOLD: LARGEST_MMAP_THRESHOLD, M_TRIM_THRESHOLD: TRIM_THRESHOLD})


def _set(parameters):
    if not sys.platform.startswith("linux"):
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        for parameter, value in parameters.items():
            mallopt(parameter, value)
