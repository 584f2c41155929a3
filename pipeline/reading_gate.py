"""Keeps the generator's thread out of Python while the interpreter exits.

A `tf.data` generator runs in one of TensorFlow's threads, for which Python does not wait. When the interpreter exits,
it ends any thread that returns to Python, and TensorFlow's C++ code then aborts the process. If the thread holds a
lock, such as h5py's, the main thread can also wait for that lock forever.
"""

from __future__ import annotations

import atexit
import contextlib
import threading
from collections.abc import Iterator


class ReadingGate:
    """A lock that the generator holds while it works. The gate is closed when the interpreter exits."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._is_open = True
        atexit.register(self.close)

    @contextlib.contextmanager
    def passed(self) -> Iterator[None]:
        """Holds the lock. Raises RuntimeError if the gate is closed before or meanwhile: no more data is needed."""
        with self._lock:
            self._check()
            yield
            self._check()

    def close(self) -> None:
        """Waits until no other thread holds the lock, and rejects all threads from then on."""
        self._is_open = False
        with self._lock:
            pass

    def _check(self) -> None:
        if not self._is_open:
            raise RuntimeError("the program is exiting, so no data is read")


GATE = ReadingGate()
