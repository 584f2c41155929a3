"""Keeps the memory that a training step frees for the next step, where the C library is glibc.

TensorFlow's GeneratorDataset kernel, on Python 3.11 and later, sets glibc's M_MMAP_THRESHOLD to 128 KiB for the whole
process. From then on every larger tensor is mapped anew from the system, its pages cleared and faulted in one by one,
at every step, which can take as long as the training itself. glibc's thresholds as they rise by themselves in a
process that frees large arrays, and no further, undo that: mallopt(3).
"""

import ctypes
import sys

M_TRIM_THRESHOLD = -1
M_MMAP_THRESHOLD = -3

# glibc's own bound on the threshold that it adjusts, DEFAULT_MMAP_THRESHOLD_MAX, and twice that for the other.
LARGEST_MMAP_THRESHOLD = 32 * 2**20
TRIM_THRESHOLD = 2 * LARGEST_MMAP_THRESHOLD


def keep_freed_memory():
    """Has an effect only after the GeneratorDataset kernel is made, so call it from within the generator."""
    if not sys.platform.startswith("linux"):
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(M_MMAP_THRESHOLD, LARGEST_MMAP_THRESHOLD)
        mallopt(M_TRIM_THRESHOLD, TRIM_THRESHOLD)
