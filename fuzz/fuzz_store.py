"""Fuzzes the HDF5 reader with mutations of valid files, in the current format and in that of earlier releases.

The reader must either read an input or reject it with a UserError.
"""

import os
import random
import sys
import tempfile
from pathlib import Path

import atheris

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

with atheris.instrument_imports(include=["pipeline"]):
    import h5py
    import numpy as np

    from command_line.user_error import UserError
    from pipeline.store import layout as hdf5_layout
    from pipeline.store.reader import SequenceStore

from fuzz_settings import fuzz

# Frames of 4×4 pixels in small chunks, so that most mutations hit something other than pixels.
SHAPE = (4, 4, 3)


def write_corpus(folder):
    generator = np.random.default_rng(0)
    rows = {
        "frames": generator.integers(0, 256, (13, *SHAPE), dtype=np.uint8),
        "sequences": generator.integers(0, 13, (6, 10), dtype=np.int32),
        "labels": generator.uniform(0, 64, (6, 10, 7, 2)).astype(np.float32),
        "videos": np.zeros(6, np.int32),
    }
    for libver in ("earliest", hdf5_layout.HDF5_FORMAT):
        for chunk in (2, 5):
            with h5py.File(folder / f"{libver}_{chunk}.h5", "w", libver=(libver, hdf5_layout.HDF5_FORMAT)) as file:
                for name, array in rows.items():
                    shape = array.shape[1:]
                    file.create_dataset(
                        name, data=array, maxshape=(None, *shape), chunks=(chunk, *shape), fletcher32=True
                    )
                file.attrs["format"] = np.bytes_(hdf5_layout.FORMAT)
                file.attrs["format_version"] = hdf5_layout.FORMAT_VERSION
                file.attrs["source_sha256"] = np.bytes_("ab" * 32)


def change_in_place(contents, largest_input, seed):
    """Changes a few bytes. An HDF5 file locates everything by its offset, so nothing is inserted or removed."""
    drawn = random.Random(seed)
    changed = bytearray(contents) or bytearray(1)
    for _ in range(drawn.randint(1, 4)):
        place = drawn.randrange(len(changed))
        changed[place] = drawn.choice([0, 1, changed[place] ^ 1 << drawn.randrange(8), 255, drawn.randrange(256)])
    return bytes(changed[:largest_input])


def check(contents):
    with tempfile.NamedTemporaryFile(dir="/dev/shm" if os.path.isdir("/dev/shm") else None) as file:
        file.write(contents)
        file.flush()
        try:
            with SequenceStore(file.name) as store:
                indices = np.arange(len(store))[:100]
                frames, labels = store.read_sequences(indices)
                assert frames.shape == (len(indices), *store.shape.frames)
                assert labels.shape == (len(indices), *store.shape.labels)
                assert np.isfinite(labels).all() and len(store.source_sha256) <= 100
        except UserError as error:
            assert len(str(error)) < 1000


if __name__ == "__main__":
    fuzz(check, write_corpus, largest_input=30000, custom_mutator=change_in_place)
