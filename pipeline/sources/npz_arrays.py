"""Finds frames and labels in an .npz, a zip file of NumPy arrays, without reading their contents.

numpy.load reads a whole array into memory, and trusts the lengths that its header claims.
"""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np

from pipeline.sources.pickle_opcodes import ArrayState, PickledArray, PickledDtype, StoredBytes
from pipeline.sources.zipped_pickle import ARRAY_EXTENSION, UnzippedFile
from support.user_error import UserError

LONGEST_HEADER = 4096  # bytes; those of plain arrays take 128
DIMENSIONS = {"frames": 5, "labels": 4}
SAVE_ARRAYS = "save them with numpy.savez(PATH, frames=frames, labels=labels)"


def npz_arrays(files: Sequence[UnzippedFile]) -> tuple[PickledArray, PickledArray]:
    """The frames and the labels in these .npy files: those with these names, or else with as many dimensions.

    Raises UserError if an array's header is damaged, or if it is not clear which arrays are meant.
    """
    arrays = {file.name.removesuffix(ARRAY_EXTENSION): _array(file) for file in files}
    return _chosen("frames", arrays), _chosen("labels", arrays)


def _chosen(name: str, arrays: dict[str, ArrayState]) -> PickledArray:
    alike = [array for array in arrays.values() if len(array.shape) == DIMENSIONS[name]]
    if name not in arrays and len(alike) != 1:
        names = ", ".join(ascii(found)[1:-1] for found in arrays)[:200]
        raise UserError(f"it is not clear which of the arrays {names} are the {name}; {SAVE_ARRAYS}")
    return PickledArray(arrays[name] if name in arrays else alike[0])


def _array(file: UnzippedFile) -> ArrayState:
    """The array in an .npy file; its contents remain there."""
    beginning = io.BytesIO(file.file.read(LONGEST_HEADER))
    try:
        version = np.lib.format.read_magic(beginning)
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, is_fortran_order, dtype = read(beginning)
    except Exception as error:  # NumPy reports damage by exceptions of many types.
        raise UserError(f"{ascii(file.name)[:100]} in the zip file is not a NumPy array; {SAVE_ARRAYS}") from error
    contents = StoredBytes(beginning.tell(), file.size - beginning.tell(), file=file.file)
    kind = PickledDtype(f"{dtype.kind}{dtype.itemsize}", dtype.byteorder)
    return ArrayState(shape, kind, is_fortran_order, contents)
