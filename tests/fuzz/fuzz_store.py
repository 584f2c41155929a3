"""Fuzzes the HDF5 reader with mutations of valid files, in the current format and in that of earlier releases.

The reader must either read an input or reject it with a UserError.
"""

import os
import random
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["pipeline"]):
    import h5py
    import numpy as np

    from pipeline.sequence_shape import SequenceShape
    from pipeline.store import layout as hdf5_layout
    from pipeline.store.reader import SequenceStore
    from support.user_error import UserError

from tests.fuzz.fuzzer import fuzz

# Frames of 4×4 pixels in small chunks, so that most mutations hit something other than pixels.
SHAPE = (4, 4, 3)


def write_corpus(folder: Path) -> None:
    generator = np.random.default_rng(0)
    frames = generator.integers(0, 256, (13, *SHAPE), dtype=np.uint8)
    labels = generator.uniform(0, 64, (6, 10, 7, 2)).astype(np.float32)
    rows = {
        "frames": frames,
        "sequences": generator.integers(0, 13, (6, 10), dtype=np.int32),
        "labels": labels,
        "videos": np.repeat(np.arange(2, dtype=np.int32), 3),
        "checksums": hdf5_layout.frame_checksums(frames),
        "digests": np.array([list(hdf5_layout.frame_digest(frame)) for frame in frames], np.uint8),
        "label_sums": labels.reshape(2, 30, 7, 2).sum(axis=1, dtype=np.float64),
    }
    for version in hdf5_layout.READABLE_VERSIONS:
        layouts = hdf5_layout.dataset_layouts(SequenceShape(10, *SHAPE[:2]), version)
        for libver in ("earliest", hdf5_layout.HDF5_FORMAT):
            for chunk in (2, 5):
                path = folder / f"{version}_{libver}_{chunk}.h5"
                with h5py.File(path, "w", libver=(libver, hdf5_layout.HDF5_FORMAT)) as file:
                    for name, layout in layouts.items():
                        write_rows(file, name, rows[name], chunk, layout.has_fletcher32)
                    write_attributes(file, version)
                with SequenceStore(path):  # An input that is refused at once has little to mutate.
                    pass


def write_rows(file: h5py.File, name: str, rows: np.ndarray, chunk: int, has_fletcher32: bool) -> None:
    chunks, maxshape = (chunk, *rows.shape[1:]), (None, *rows.shape[1:])
    file.create_dataset(name, data=rows, maxshape=maxshape, chunks=chunks, fletcher32=has_fletcher32)


def write_attributes(file: h5py.File, version: int) -> None:
    file.attrs["format"] = np.bytes_(hdf5_layout.FORMAT)
    file.attrs["format_version"] = version
    file.attrs["source_sha256"] = np.bytes_("ab" * 32)


def change_in_place(contents: bytes, largest_input: int, seed: int) -> bytes:
    """Changes a few bytes. An HDF5 file locates everything by its offset, so nothing is inserted or removed."""
    drawn = random.Random(seed)
    changed = bytearray(contents) or bytearray(1)
    for _ in range(drawn.randint(1, 4)):
        place = drawn.randrange(len(changed))
        changed[place] = drawn.choice([0, 1, changed[place] ^ 1 << drawn.randrange(8), 255, drawn.randrange(256)])
    return bytes(changed[:largest_input])


def check(contents: bytes) -> None:
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
                numbers = np.arange(store.number_of_frames)[:100]
                assert store.read_digests(numbers).shape == (len(numbers), hdf5_layout.DIGEST_BYTES)
                if store.has_label_sums:
                    sums = store.read_label_sums(np.unique(store.videos)[:100])
                    assert sums.shape[1:] == store.shape.labels[1:] and np.isfinite(sums).all()
        except UserError as error:
            assert len(str(error)) < 1000


if __name__ == "__main__":
    fuzz(check, write_corpus, largest_input=30000, custom_mutator=change_in_place)
