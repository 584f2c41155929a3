"""The file that HDF5 writes through, so that a full disk ends in an error rather than a crash."""

import io


class GuardedHDF5File(io.FileIO):
    """A new file at `path` for h5py.File to write to. Raises OSError where it cannot be created.

    When a write fails, HDF5 cannot give up in order: what it holds back it writes again as it closes, and the process
    crashes. So the first error is kept, that write and all later ones are let pass, and `check` raises it.
    """

    def __init__(self, path):
        super().__init__(path, "w+")
        self._error = None

    def check(self):
        """Raises the OSError of the first write that failed, if one did."""
        if self._error is not None:
            raise self._error

    def write(self, data):
        unwritten = memoryview(data)
        while len(unwritten) and self._error is None:
            try:
                unwritten = unwritten[super().write(unwritten) :]
            except OSError as error:
                self._error = error
        return len(data)

    def truncate(self, size=None):
        if self._error is None:
            try:
                return super().truncate(size)
            except OSError as error:
                self._error = error
        return size
