"""Small data sets as pickles of every protocol, with the module names of NumPy 1 or NumPy 2."""

import io
import pickle

import numpy as np


class RenamingPickler(pickle._Pickler):
    """Pickles NumPy's functions under the names that they have in `package`, numpy.core or numpy._core."""

    def __init__(self, file, protocol, package):
        super().__init__(file, protocol)
        self._package = package

    def save_global(self, value, name=None):
        module = getattr(value, "__module__", None) or ""
        if not module.startswith(("numpy.core.", "numpy._core.")):
            return super().save_global(value, name)
        module = f"{self._package}.{module.split('.')[-1]}"
        if self.proto >= 4:
            self.save(module)
            self.save(value.__name__)
            self.write(pickle.STACK_GLOBAL)
        else:
            self.write(pickle.GLOBAL + f"{module}\n{value.__name__}\n".encode())
        self.memoize(value)

    dispatch = dict(pickle._Pickler.dispatch)
    dispatch[type(lambda: None)] = dispatch[type] = save_global


def pickled(value, protocol=4, package=None):
    """The pickle of `value`; `package` as for RenamingPickler, or None for the names of the installed NumPy."""
    if package is None:
        return pickle.dumps(value, protocol)
    file = io.BytesIO()
    RenamingPickler(file, protocol, package).dump(value)
    return file.getvalue()


def made_arrays(sequences=2, frames_dtype=np.uint8, labels_dtype=np.float32, seed=0):
    """Random frames (N, 10, 64, 64, 3), sequences that overlap by nine frames, and labels (N, 10, 7, 2) in pixels."""
    generator = np.random.default_rng(seed)
    frames = generator.integers(0, 256, (sequences + 9, 64, 64, 3), dtype=np.uint8).view(frames_dtype)
    labels = generator.uniform(-5, 70, (sequences + 9, 7, 2)).astype(labels_dtype)
    index = np.arange(sequences)[:, None] + np.arange(10)
    return frames[index], labels[index]
