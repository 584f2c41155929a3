"""Fuzzes the pickle reader with mutations of valid pickles and zip files.

The reader must either reject an input with a UserError or read the same arrays as pickle.load. pickle.load is called
only on inputs that the reader accepted, which call nothing but NumPy's constructors.
"""

import io
import os
import pickle
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import atheris

with atheris.instrument_imports(include=["pipeline"]):
    import numpy as np

    from pipeline.sources import pickle_reader
    from support.user_error import UserError

from tests.fuzz.fuzzer import fuzz

# Frames of 4×4 pixels, so that most mutations hit something other than pixels.
pickle_reader.FRAMES_OF_SEQUENCE = SHAPE = (10, 4, 4, 3)


def write_corpus(folder: Path) -> None:
    random = np.random.default_rng(0)
    for number in (1, 2):
        for frames_dtype, labels_dtype in ((np.uint8, "f4"), (np.int8, "f8"), (np.uint8, ">f4")):
            frames = random.integers(0, 256, (number, *SHAPE), dtype=np.uint8).view(frames_dtype)
            labels = random.uniform(0, 64, (number, 10, 7, 2)).astype(labels_dtype)
            for protocol in (2, 3, 4, 5):
                contents = pickle.dumps((frames, labels), protocol)
                name = f"{number}_{np.dtype(frames_dtype).name}_{np.dtype(labels_dtype).str[1:]}_{protocol}"
                (folder / name).write_bytes(contents)
                for compression in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                    with zipfile.ZipFile(folder / f"{name}_{compression}.zip", "w", compression) as archive:
                        archive.writestr("data.pkl", contents)


def read(path: str) -> tuple[np.ndarray, np.ndarray] | None:
    """(frames, labels) as the reader returns them, or None if it rejects the file."""
    try:
        with pickle_reader.open_source(path) as source:
            arrays = pickle_reader.locate_arrays(source)
            frames = [block.copy() for block in pickle_reader.read_frames(source, arrays, 3)]
            labels = [block.copy() for block in pickle_reader.read_labels(source, arrays, 3)]
    except UserError as error:
        assert "\n" not in str(error) and len(str(error)) < 1000
        return None
    return np.concatenate(frames), np.concatenate(labels, dtype=labels[0].dtype)


def loaded(contents: bytes) -> Any:
    """What pickle.load returns, or None if it fails."""
    if contents[:2] == b"PK":
        with zipfile.ZipFile(io.BytesIO(contents)) as archive:
            [name] = [
                name for name in archive.namelist() if not name.startswith("__MACOSX/") and not name.endswith("/")
            ]
            contents = archive.read(name)
    try:
        return pickle.loads(contents, encoding="latin1")
    except Exception:
        return None


def check(contents: bytes) -> None:
    with tempfile.NamedTemporaryFile(dir="/dev/shm" if os.path.isdir("/dev/shm") else None) as file:
        file.write(contents)
        file.flush()
        arrays = read(file.name)
    if arrays is not None and (expected := loaded(contents)) is not None:
        frames, labels = expected
        assert arrays[0].tobytes() == frames.tobytes(), "frames differ from pickle.load's"
        # NumPy may have converted them to the byte order of the machine.
        assert arrays[1].tobytes() == labels.astype(arrays[1].dtype).tobytes(), "labels differ from pickle.load's"


if __name__ == "__main__":
    fuzz(check, write_corpus, largest_input=6000)
