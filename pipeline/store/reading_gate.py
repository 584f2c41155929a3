"""Keeps every thread out of HDF5 while the interpreter exits.

A tf.data generator runs in one of TensorFlow's threads, which Python does not wait for. At exit it is stopped where it
is: if that is in h5py, with h5py's lock held, then the main thread waits for that lock for ever as it frees the file.
"""

import atexit
import contextlib
import threading
from collections.abc import Iterator


class ReadingGate:
    """Open until the interpreter exits, which waits for those who have passed it and lets nobody through after that."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._is_open = True
        atexit.register(self.close)

    @contextlib.contextmanager
    def passed(self) -> Iterator[None]:
        """What is done with HDF5 is done within; raises RuntimeError where the interpreter exits."""
        with self._lock:
            if not self._is_open:
                raise RuntimeError("the program is ending, so nothing more is read")
            yield

    def close(self) -> None:
        """Returns when nobody is within."""
        with self._lock:
            self._is_open = False


GATE = ReadingGate()
